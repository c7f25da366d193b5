"""The wavelet layer against PyWavelets and pytorch-wavelets."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mixnas.errors import UnknownName
from mixnas.models.wavelet import HAAR, WaveletPyramid, filter_length, haar_pyramid, output_size, wavelet_macs

WAVELETS = ("haar", "db1", "db2", "db4", "sym3", "bior2.2")


def image(*shape: int, seed: int = 0, **kwargs: bool) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_(
        kwargs.get("requires_grad", False)
    )


def by_pywt(x: Tensor, wavelet: str, levels: int) -> list[np.ndarray]:
    """The pyramid by PyWavelets, put in the channel order of the blocks."""
    approximation, pyramid = x.numpy(), []
    for _ in range(levels):
        approximation, details = pywt.dwt2(approximation, wavelet, mode="zero")
        batch, channels, height, width = approximation.shape
        stacked = np.stack(details, axis=2).reshape(batch, 3 * channels, height, width)
        pyramid.append(np.concatenate([approximation, stacked], axis=1))
    return pyramid


@pytest.mark.parametrize("wavelet", WAVELETS)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 33), st.integers(2, 33), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_every_level_equals_pywt(wavelet: str, levels: int, channels: int, height: int, width: int, seed: int) -> None:
    x = image(2, channels, height, width, seed=seed)
    found = WaveletPyramid(wavelet, levels).double()(x)
    expected = by_pywt(x, wavelet, levels)
    assert [tuple(level.shape) for level in found] == [level.shape for level in expected]
    for ours, theirs in zip(found, expected, strict=True):
        # pytorch-wavelets keeps its filters in single precision; Haar's taps are exact in our additions.
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6, rtol=1e-12 if wavelet in HAAR else 2e-6)


@given(st.integers(1, 4), st.integers(2, 40), st.integers(2, 40), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_native_haar_equals_pytorch_wavelets_forward_and_backward(levels: int, h: int, w: int, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_wavelets import DWTForward
    x = image(2, 3, h, w, seed=seed).float()
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    low, highs = DWTForward(J=levels, wave="haar", mode="zero")(theirs)
    pyramid = haar_pyramid(ours, levels)
    torch.testing.assert_close(pyramid[-1][:, :3], low, atol=2e-6, rtol=1e-6)
    for level, high in zip(pyramid, highs, strict=True):
        torch.testing.assert_close(level[:, 3:], high.flatten(1, 2), atol=2e-6, rtol=1e-6)
    sum((level[:, 3:] ** 3).sum() for level in pyramid).backward()
    sum((high**3).sum() for high in highs).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("wavelet", ["haar", "db2", "bior2.2"])
def test_gradients_are_right_and_haar_has_second_ones(wavelet: str) -> None:
    pyramid = WaveletPyramid(wavelet, 2).double()
    x = image(1, 2, 5, 6, requires_grad=True)
    assert torch.autograd.gradcheck(pyramid, x)
    if wavelet == "haar":
        assert torch.autograd.gradgradcheck(pyramid, x)


@given(st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_haar_keeps_the_energy_of_an_even_image(levels: int, seed: int) -> None:
    x = image(1, 2, 32, 16, seed=seed)
    pyramid = haar_pyramid(x, levels)
    energy = pyramid[-1][:, :2].square().sum() + sum(level[:, 2:].square().sum() for level in pyramid)
    torch.testing.assert_close(energy, x.square().sum())


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_half_precision_and_autocast(wavelet: str) -> None:
    x = image(2, 3, 9, 12).float()
    expected = WaveletPyramid(wavelet, 2)(x)
    halved = x.bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = WaveletPyramid(wavelet, 2)(halved)
        sum(level.float().sum() for level in found).backward()
    assert {level.dtype for level in found} == {torch.bfloat16} == {halved.grad.dtype}
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.float(), theirs, atol=0.1, rtol=0.05)


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_fake_tensors_forward_and_backward(wavelet: str) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        x = torch.randn(2, 4, 9, 8, requires_grad=True)
        pyramid = WaveletPyramid(wavelet, 2)(x)
        sum(level.sum() for level in pyramid).backward()
    length = filter_length(wavelet)
    assert pyramid[0].shape == (2, 16, output_size(9, length), output_size(8, length))
    assert x.grad is not None and x.grad.shape == x.shape


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_an_exported_layer_computes_the_same_and_still_trains(wavelet: str) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), WaveletPyramid(wavelet, 2))
    x = image(2, 3, 9, 12).float()
    exported = torch.export.export(model, (x,)).module()
    for ours, theirs in zip(exported(x), model(x), strict=True):
        torch.testing.assert_close(ours, theirs)
    sum((level**2).sum() for level in exported(x)).backward()
    found = {name: p.grad for name, p in exported.named_parameters()}
    sum((level**2).sum() for level in model(x)).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("wavelet", WAVELETS)
def test_state_dict_is_empty(wavelet: str) -> None:
    assert WaveletPyramid(wavelet, 3).state_dict() == {}


def test_unknown_wavelet_names_close_ones() -> None:
    with pytest.raises(UnknownName, match=r"unknown wavelet 'haarr' \(did you mean 'haar'"):
        WaveletPyramid("haarr", 1)


def test_macs_of_haar_are_four_a_pixel_and_level() -> None:
    assert wavelet_macs(32, 32, 36, 1) == 4 * 36 * 32 * 32
    assert wavelet_macs(64, 64, 48, 3) == 4 * 48 * (64 * 64 + 32 * 32 + 16 * 16)


@given(st.sampled_from(WAVELETS), st.integers(1, 4), st.integers(2, 50), st.integers(2, 50), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_macs_equal_a_count_of_the_filters(wavelet: str, levels: int, height: int, width: int, channels: int) -> None:
    length, total, h, w = filter_length(wavelet), 0, height, width
    for _ in range(levels):
        columns, rows = pywt.dwt_coeff_len(w, length, "zero"), pywt.dwt_coeff_len(h, length, "zero")
        total += length * channels * (2 * h * columns + 4 * rows * columns)
        h, w = rows, columns
    assert wavelet_macs(height, width, channels, levels, length) == total
    heights = np.array([height, height])
    assert wavelet_macs(heights, width, channels, levels, length).tolist() == [total, total]


def test_haar_needs_neither_package_and_others_do_not_warn() -> None:
    code = (
        "import sys, torch\n"
        "from mixnas.models.wavelet import WaveletPyramid\n"
        "WaveletPyramid('haar', 2)(torch.zeros(1, 1, 8, 8))\n"
        "print([name for name in ('pywt', 'pytorch_wavelets') if name in sys.modules])\n"
        "WaveletPyramid('db2', 2)(torch.zeros(1, 1, 8, 8))\n"
    )
    run = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
    assert "pkg_resources" not in run.stderr
