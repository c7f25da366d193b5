"""MLP-Mixer: the published size, closed forms against the built model, and agreement with timm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.cost.check import count
from mixnas.errors import ConfigError
from mixnas.models import family
from mixnas.models.families.mlp_mixer import DEFAULTS, FAMILY, macs, macs_thop, params
from mixnas.models.mlp_mixer import build
from mixnas.records import Candidate, Problem

RATIOS = ("1/4", "1/2", "1", "3/2", "4")


@st.composite
def members(draw: st.DrawFn) -> Candidate:
    return {
        "width": draw(st.integers(4, 24)),
        "depth": draw(st.integers(1, 3)),
        "patch_size": draw(st.integers(1, 5)),
        "token_ratio": draw(st.sampled_from(RATIOS)),
        "channel_ratio": draw(st.sampled_from(RATIOS)),
    }


def problems() -> st.SearchStrategy[Problem]:
    side = st.integers(5, 13)
    return st.builds(Problem, st.just("classification"), st.integers(1, 3), side, side, st.integers(1, 9))


def test_the_family_is_in_the_table() -> None:
    assert family("mlp_mixer") is FAMILY


def test_the_published_baseline_has_17_110_026_parameters() -> None:
    named = FAMILY.named["mlp-mixer-512/8"]
    assert params(named.axes, named.problem) == 17_110_026
    with torch.device("meta"):
        model = build(named.axes, named.problem)
    assert sum(p.numel() for p in model.parameters()) == 17_110_026


@given(members(), problems())
@settings(max_examples=20, deadline=None)
def test_closed_forms_equal_the_built_model_and_fvcore(axes: Candidate, problem: Problem) -> None:
    model = build(axes, problem)
    assert params(axes, problem) == sum(p.numel() for p in model.parameters())
    assert macs(axes, problem) == count(model, problem.input).total


@given(members(), problems())
@settings(max_examples=10, deadline=None)
def test_closed_form_equals_thop(axes: Candidate, problem: Problem) -> None:
    from thop import profile

    found, _ = profile(build(axes, problem), (torch.zeros(1, *problem.input),), verbose=False)
    assert macs_thop(axes, problem) == found


@given(st.lists(members(), min_size=1, max_size=12), problems())
@settings(max_examples=20, deadline=None)
def test_columns_cost_the_same_as_candidates_one_by_one(candidates: list[Candidate], problem: Problem) -> None:
    columns = {name: np.array([c[name] for c in candidates]) for name in DEFAULTS}
    for cost in (params, macs, macs_thop):
        assert cost(columns, problem).tolist() == [cost(c, problem) for c in candidates]
        assert isinstance(cost(candidates[0], problem), int)


@pytest.mark.parametrize("size", [(16, 2, 4, 16), (24, 3, 2, 8)])
def test_it_agrees_with_timm_through_a_weight_mapping(size: tuple[int, int, int, int]) -> None:
    timm = pytest.importorskip("timm")
    width, depth, patch, image = size
    theirs = timm.models.mlp_mixer.MlpMixer(
        num_classes=7, img_size=image, patch_size=patch, num_blocks=depth, embed_dim=width
    )
    axes: Candidate = {"width": width, "depth": depth, "patch_size": patch}
    ours = build(axes, Problem.square(image, num_classes=7))
    inside = {"token_norm": "norm1", "channel_norm": "norm2", "tokens": "mlp_tokens", "channels": "mlp_channels"}
    layers = {"0": "fc1", "2": "fc2"}
    state = {}
    for name in ours.state_dict():
        first, *rest = name.split(".")
        if first == "blocks":
            block, part, *inner = rest
            inner = [layers.get(word, word) for word in inner]
            state[name] = theirs.state_dict()[".".join(["blocks", block, inside[part], *inner])]
        else:
            state[name] = theirs.state_dict()[name.replace("stem.", "stem.proj.")]
    ours.load_state_dict(state)
    with torch.no_grad():
        for parameter in (theirs.head.weight, ours.head.weight):  # timm starts the classifier at zero
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view_as(parameter))
    assert sum(p.numel() for p in theirs.parameters()) == params(axes, Problem.square(image, num_classes=7))
    images = torch.randn(3, 3, image, image)
    torch.testing.assert_close(ours(images), theirs(images))


@pytest.mark.parametrize(
    ("change", "problem", "message"),
    [
        ({"width": 0}, Problem(), "width must be a whole number of at least 1, got 0"),
        ({"token_ratio": "x"}, Problem(), "token_ratio must be a ratio such as '1/2' or '4', got 'x'"),
        ({"width": 3, "token_ratio": "1/4"}, Problem(), "token_ratio 1/4 leaves no hidden unit of width 3"),
        ({"heads": 2}, Problem(), "mlp_mixer has no axis heads"),
        ({"patch_size": 9}, Problem.square(8), "patch_size 9 is larger than the image, 8x8"),
        ({}, Problem(task="segmentation"), "mlp_mixer classifies images; the task is segmentation"),
    ],
)
def test_what_makes_no_model_is_refused(change: Candidate, problem: Problem, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build({"width": 8, "depth": 1, **change}, problem)
