"""What may take the place of the wavelet transform in a WaveMix block: same shapes, and Haar as a special case."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.errors import ConfigError
from mixnas.models.downsampling import TRANSFORMS, AveragePyramid, ConvolutionPyramid
from mixnas.models.families.wavemix_lite import FAMILY
from mixnas.models.hybrid import build as build_hybrid
from mixnas.models.hybrid import from_wavemix_lite
from mixnas.models.wavelet import haar_pyramid
from mixnas.models.wavemix_lite import Block, WaveMixLiteConfig, build
from mixnas.models.wavemix_named import NAMED
from mixnas.records import Problem

SIDES = st.integers(9, 23)
HAAR = torch.tensor([[[1, 1], [1, 1]], [[1, 1], [-1, -1]], [[1, -1], [1, -1]], [[1, -1], [-1, 1]]]) / 2
"""The four bands of one channel: approximation, top minus bottom, left minus right, diagonal."""


@given(SIDES, SIDES, st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_average_pooling_is_half_of_haars_approximations(height: int, width: int, levels: int) -> None:
    x = torch.randn(2, 3, height, width)
    for number, (mean, bands) in enumerate(zip(AveragePyramid(levels)(x), haar_pyramid(x, levels), strict=True)):
        torch.testing.assert_close(mean, bands[:, :3] / 2 ** (number + 1))


@given(SIDES, SIDES, st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_haar_is_one_choice_of_the_learned_filters(height: int, width: int, levels: int) -> None:
    pyramid = ConvolutionPyramid(3, levels)
    for weight in pyramid.parameters():
        weight.data = HAAR.repeat(3, 1, 1)[:, None].clone()
    x = torch.randn(2, 3, height, width)
    for learned, haar in zip(pyramid(x), haar_pyramid(x, levels), strict=True):
        approximations, details = learned[:, 0::4], learned.unflatten(1, (3, 4))[:, :, 1:].flatten(1, 2)
        torch.testing.assert_close(torch.cat([approximations, details], dim=1), haar)


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_rest_of_a_block_is_the_same(transform: str, levels: int) -> None:
    wavelet, other = (Block(WaveMixLiteConfig(width=8, levels=levels, transform=t)) for t in ("dwt", transform))
    assert [tuple(p.shape) for p in other.levels.parameters()] == [tuple(p.shape) for p in wavelet.levels.parameters()]
    x = torch.randn(2, 8, 13, 18)
    assert other(x).shape == x.shape


def test_a_wavelet_is_read_where_there_is_one() -> None:
    problem, pooled = Problem(), {"width": 8, "depth": 1, "transform": "average_pool"}
    other = {**pooled, "wavelet": "db4"}
    assert FAMILY.macs(other, problem) == FAMILY.macs(pooled, problem)
    x = torch.randn(2, 3, 32, 32)
    torch.manual_seed(0)
    first = build(pooled, problem).eval()(x)
    torch.manual_seed(0)
    torch.testing.assert_close(build(other, problem).eval()(x), first)


def test_an_unknown_transform_is_refused() -> None:
    with pytest.raises(ConfigError, match="transform must be one of dwt, average_pool, strided_conv, got 'fft'"):
        build({"transform": "fft"}, Problem())


def test_older_architectures_keep_their_names() -> None:
    assert not any("transform" in model.axes for model in NAMED.values())
    assert "transform" not in from_wavemix_lite({"width": 8})
    with pytest.raises(ConfigError, match="hybrid has no axis transform"):
        build_hybrid(from_wavemix_lite({"width": 8, "transform": "strided_conv"}), Problem())
