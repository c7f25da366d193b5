"""The hybrid family: closed forms, corner points that are the published models, blocks by their place, refusals."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.cost.check import count
from mixnas.errors import ConfigError
from mixnas.models import family
from mixnas.models.families.hybrid import FAMILY
from mixnas.models.hybrid import (
    CHOICES,
    HybridConfig,
    SplitFeedForwardBlock,
    WaveletSegmentsBlock,
    build,
    from_splitmixer,
    from_wavemix_lite,
)
from mixnas.models.hybrid_costs import macs, macs_thop, params, switch, transform_macs
from mixnas.models.splitmixer import Block as SplitMixerBlock
from mixnas.models.wavemix_lite import Block as WaveMixBlock
from mixnas.records import Candidate, Problem
from mixnas.space import load_space

SPLITMIXER, WAVEMIX = family("splitmixer").named, family("wavemix_lite").named
SPACE = load_space("hybrid")


@st.composite
def members(draw: st.DrawFn) -> tuple[Candidate, Problem]:
    """Any small member of the family with a problem that it can work on."""
    channel: Candidate = {
        "channel.split": draw(st.sampled_from(["dense", "overlap", "disjoint"])),
        "channel.split.ratio": draw(st.sampled_from(["2/3", "3/5"])),
        "channel.split.segments": draw(st.sampled_from([2, 3, 4])),
        "channel.split.mixes": draw(st.sampled_from(["one", "all"])),
        "channel.split.operator": "pointwise",
    }
    axes: Candidate = {
        "width": draw(st.sampled_from([12, 24])),
        "depth": draw(st.integers(4, 7)),
        "activation": draw(st.sampled_from(["gelu", "silu"])),
        "norm": draw(st.sampled_from(["batch", "layer"])),
        "stem": draw(st.sampled_from(CHOICES["stem"])),
        "stem.stride": draw(st.integers(1, 2)),
        "stem.patch_size": draw(st.sampled_from([1, 2, 4])),
        "token": draw(st.sampled_from(CHOICES["token"])),
        "token.early": draw(st.sampled_from(["1/4", "1/2", "3/4"])),
        "token.levels": draw(st.integers(1, 3)),
        "token.wavelet": draw(st.sampled_from(["haar", "db2"])),
        "token.upsample": draw(st.sampled_from(["deconv", "interpolate"])),
        "token.kernel_size": draw(st.sampled_from([3, 5])),
        "token.spatial": draw(st.sampled_from(["separable", "depthwise"])),
        "channel": draw(st.sampled_from(CHOICES["channel"])),
        "channel.early": draw(st.sampled_from(["1/4", "1/2", "3/4"])),
        "channel.mult": draw(st.integers(1, 3)),
        "channel.ff_ratio": draw(st.sampled_from(["1/2", "1"])),
        **channel,
        "channel.split.shared": draw(st.booleans()),
    }
    task: Any = draw(st.sampled_from(FAMILY.tasks))
    sides = st.integers(20, 27)
    return axes, Problem(task, draw(st.integers(1, 3)), draw(sides), draw(sides), draw(st.integers(1, 7)))


def check_costs(axes: Candidate, problem: Problem) -> None:
    from thop import profile

    model = build(axes, problem).eval()
    assert params(axes, problem) == sum(p.numel() for p in model.parameters())
    assert macs(axes, problem) - transform_macs(axes, problem) == count(model, problem.input).total
    if axes["channel.split.mixes"] == "one":  # thop follows modules, and equal segments are computed as one
        assert macs_thop(axes, problem) == profile(model, (torch.zeros(1, *problem.input),), verbose=False)[0]


@given(members())
@settings(max_examples=5, deadline=None)
def test_closed_forms_equal_the_built_model_fvcore_and_thop(member: tuple[Candidate, Problem]) -> None:
    check_costs(*member)


@pytest.mark.slow
@given(members())
@settings(max_examples=100, deadline=None)
def test_closed_forms_equal_many_built_models_fvcore_and_thop(member: tuple[Candidate, Problem]) -> None:
    check_costs(*member)


@given(members())
@settings(max_examples=15, deadline=None)
def test_transform_macs_are_those_of_the_pyramids_in_the_model(member: tuple[Candidate, Problem]) -> None:
    from mixnas.models.wavelet import WaveletPyramid, wavelet_macs

    axes, problem = member
    found = []

    def note(layer: WaveletPyramid, inputs: tuple[torch.Tensor]) -> None:
        _, channels, height, width = inputs[0].shape
        found.append(wavelet_macs(height, width, channels, layer.levels, layer.length))

    model = build(axes, problem).eval()
    for layer in model.modules():
        if isinstance(layer, WaveletPyramid):
            layer.register_forward_pre_hook(note)
    model(torch.zeros(1, *problem.input))
    assert transform_macs(axes, problem) == sum(found)


# --------------------------------------------------------------------------------------------------- corner points


@pytest.mark.parametrize("name", [*SPLITMIXER, *WAVEMIX])
def test_published_models_are_corner_points_with_the_same_costs(name: str) -> None:
    parent, move = ("splitmixer", from_splitmixer) if name in SPLITMIXER else ("wavemix_lite", from_wavemix_lite)
    named, theirs = family(parent).named[name], family(parent)
    axes = move(named.axes)
    with torch.device("meta"):
        published, ours = theirs.build(named.axes, named.problem), build(axes, named.problem)
    shapes = {key: value.shape for key, value in published.state_dict().items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == shapes
    assert params(axes, named.problem) == theirs.params(named.axes, named.problem)
    assert macs(axes, named.problem) == theirs.macs(named.axes, named.problem)
    assert macs_thop(axes, named.problem) == theirs.macs_thop(named.axes, named.problem)


SMALL_SPLITMIXERS = {name: {**model.axes, "width": 24, "depth": 3} for name, model in SPLITMIXER.items()}
SMALL_WAVEMIXES = {name: {**model.axes, "width": 16, "depth": 2, "dropout": 0.0} for name, model in WAVEMIX.items()}


@pytest.mark.parametrize("name", [*SMALL_SPLITMIXERS, *SMALL_WAVEMIXES])
def test_corner_points_compute_what_the_published_models_compute(name: str) -> None:
    """In the published shapes, narrower and shallower, with the weights taken over under their names."""
    torch.manual_seed(0)
    splits = name in SMALL_SPLITMIXERS
    axes = SMALL_SPLITMIXERS[name] if splits else SMALL_WAVEMIXES[name]
    published = (SPLITMIXER if splits else WAVEMIX)[name]
    problem = Problem(published.problem.task, published.problem.in_channels, 64, 64, 5)
    theirs = family("splitmixer" if splits else "wavemix_lite").build(axes, problem)
    ours = build((from_splitmixer if splits else from_wavemix_lite)(axes), problem)
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, *problem.input)
    torch.testing.assert_close(ours(images), theirs(images))
    torch.testing.assert_close(ours.eval()(images), theirs.eval()(images))


OUTSIDE = {
    "wavemix-lite-32/4": "a feed-forward of half the width",
    "wavemix-seg-192/16-L3-p4": "a wider head",
    **{name: "a 3-D convolution" for name in SPLITMIXER if name.startswith("stridemixer")},
    **{name: "an ImageNet size" for name in SPLITMIXER if name.endswith(("1536/20", "768/32", "1024/20"))},
}
"""Published models that the family has and the space leaves out."""


@pytest.mark.parametrize("name", [name for name in [*SPLITMIXER, *WAVEMIX] if name not in OUTSIDE])
def test_published_models_are_points_of_the_space(name: str) -> None:
    named = (SPLITMIXER if name in SPLITMIXER else WAVEMIX)[name]
    axes = (from_splitmixer if name in SPLITMIXER else from_wavemix_lite)(named.axes)
    fixed = {"activation": "gelu", "norm": "batch", "channel.split.operator": "pointwise", "channel.ff_ratio": "1"}
    fixed["head_ratio"] = "1/2"
    assert {axes.pop(axis, value) == value for axis, value in fixed.items()} == {True}
    assert SPACE.given(**named.problem.context()).explain(axes) == []


# ---------------------------------------------------------------------------------------------------- every point


@given(st.integers(4, 40), st.integers(0, 999), st.sampled_from(FAMILY.tasks))
@settings(max_examples=40, deadline=None)
def test_what_the_space_allows_can_be_built(size: int, seed: int, task: Any) -> None:
    problem = Problem.square(size, task=task)
    axes = SPACE.given(**problem.context()).sample(random.Random(seed))
    with torch.device("meta"):
        model = build(axes, problem)
    assert sum(p.numel() for p in model.parameters()) == params(axes, problem)


@pytest.mark.parametrize(("token", "channel"), list(itertools.product(CHOICES["token"], CHOICES["channel"])))
def test_every_combination_learns_one_batch_by_heart(token: str, channel: str) -> None:
    torch.manual_seed(0)
    axes: Candidate = {"width": 8, "depth": 2, "token": token, "channel": channel, "channel.dropout": 0.0}
    model = build(axes, Problem.square(8, 1, 3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    images, target = torch.rand(6, 1, 8, 8), torch.arange(6) % 3
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is not None for p in model.parameters())


def test_blocks_change_where_the_shares_say() -> None:
    axes: Candidate = {"width": 8, "depth": 8, "token": "wavelet_then_split", "token.early": "1/4"}
    model = build({**axes, "channel": "segments_then_feedforward", "channel.early": "3/4"}, Problem.square(16))
    kinds = [type(block) for block in model.blocks]
    assert kinds == [WaveletSegmentsBlock] * 2 + [SplitMixerBlock] * 4 + [SplitFeedForwardBlock] * 2
    model = build({**axes, "channel": "feedforward"}, Problem.square(16))
    assert [type(block) for block in model.blocks] == [WaveMixBlock] * 2 + [SplitFeedForwardBlock] * 6


@given(st.integers(2, 16), st.sampled_from(["1/4", "1/2", "3/4"]), st.sampled_from(CHOICES["token"]))
@settings(max_examples=40, deadline=None)
def test_the_switch_is_where_the_first_choice_ends(depth: int, early: str, token: str) -> None:
    axes: Candidate = {"width": 8, "depth": depth, "token": token, "token.early": early}
    if "_then_" in token and depth * int(early[0]) < int(early[2]):
        with pytest.raises(ConfigError, match="needs blocks of both kinds"):
            HybridConfig.from_axes(axes)
        return
    config = HybridConfig.from_axes(axes)
    kinds = [config.block(number)[0] for number in range(depth)]
    first = token.split("_then_")[0]
    assert kinds[: switch(config.axes, "token")] == [first] * switch(config.axes, "token")
    assert first not in kinds[switch(config.axes, "token") :]


@pytest.mark.parametrize(
    ("change", "problem", "message"),
    [
        ({"token": "fourier"}, Problem(), "hybrid: token must be one of wavelet, split, .* got 'fourier'"),
        ({"token.kernel_size": 4}, Problem(), "hybrid: kernel_size must be odd"),
        ({"width": 10}, Problem(), "hybrid: width must be a multiple of 4"),
        ({"token.early": 0.5}, Problem(), "hybrid: token.early must be a fraction such as '1/2', got 0.5"),
        ({"channel.ratio": "2/3"}, Problem(), "hybrid has no axis channel.ratio"),
        ({"depth": 1, "token": "split_then_wavelet"}, Problem(), "needs blocks of both kinds, but 1/2 of 1 blocks"),
        ({"token.levels": 4}, Problem.square(8), "hybrid: level 4 has nothing to transform: the stem makes 4x4"),
        ({"stem.patch_size": 9}, Problem.square(8), "hybrid: patch_size 9 is larger than the image, 8x8"),
        ({"stem.patch_size": 7}, Problem.square(28, task="segmentation"), "hybrid: the stem makes images 7 times"),
    ],
)
def test_what_makes_no_model_is_refused(change: Candidate, problem: Problem, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build({"width": 8, "depth": 2, **change}, problem)
