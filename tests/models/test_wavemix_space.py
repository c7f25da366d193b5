"""The spaces of WaveMix-Lite and MLP-Mixer: what they refuse and why, and that what they allow can be built."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.models import family
from mixnas.models.wavemix_lite import build
from mixnas.models.wavemix_named import NAMED
from mixnas.records import Candidate, Problem
from mixnas.space import load_space

WAVEMIX, MLP_MIXER = load_space("wavemix_lite"), load_space("mlp_mixer")
HAAR: Candidate = {
    "width": 8,
    "depth": 1,
    "levels": 1,
    "wavelet": "haar",
    "mult": 1,
    "dropout": 0.0,
    "stem": "strided",
    "stem.stride": 1,
    "upsample": "interpolate",
}


@pytest.mark.parametrize("name", [name for name, model in NAMED.items() if "head_ratio" not in model.axes])
def test_published_models_are_points_of_the_space(name: str) -> None:
    named = NAMED[name]
    space = WAVEMIX.given(**named.problem.context())
    assert space.explain(named.axes) == []
    assert space.canonical(named.axes) == named.axes


def test_the_published_mlp_mixer_is_a_point_of_its_space() -> None:
    assert MLP_MIXER.explain(family("mlp_mixer").named["mlp-mixer-512/8"].axes) == []


@pytest.mark.parametrize(
    ("change", "size", "reason"),
    [
        ({"levels": 4}, 8, "each level halves the sides, and a level of one pixel has nothing to transform"),
        ({"levels": 4, "stem.stride": 2}, 28, "a level of one pixel has nothing to transform"),
        ({"levels": 2, "wavelet": "db4"}, 16, "the filters would be longer than the image"),
        ({}, 65, "blocks on more than 64x64 positions take hours a trial"),
        ({"width": 320, "depth": 16}, 28, "a network far larger than its images"),
    ],
)
def test_what_does_not_fit_the_images_is_refused_with_the_reason(change: Candidate, size: int, reason: str) -> None:
    (said,) = WAVEMIX.given(image_size=size).explain({**HAAR, **change})
    assert reason in said


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_mnist_sizes_are_allowed_at_every_level(levels: int) -> None:
    assert WAVEMIX.given(image_size=28).explain({**HAAR, "levels": levels}) == []


@given(st.integers(4, 70), st.integers(0, 999), st.sampled_from(family("wavemix_lite").tasks))
@settings(max_examples=60, deadline=None)
def test_what_the_space_allows_can_be_built(size: int, seed: int, task: Any) -> None:
    problem = Problem.square(size, task=task)
    axes = WAVEMIX.given(**problem.context()).sample(random.Random(seed))
    with torch.device("meta"):
        model = build(axes, problem)
    assert sum(p.numel() for p in model.parameters()) == family("wavemix_lite").params(axes, problem)


@given(st.integers(2, 20), st.integers(1, 4), st.sampled_from([{"stem.stride": 1}, {"stem.stride": 2}]))
@settings(max_examples=60, deadline=None)
def test_with_haar_the_space_refuses_exactly_what_the_model_refuses(size: int, levels: int, stem: Candidate) -> None:
    from mixnas.errors import ConfigError

    axes = {**HAAR, **stem, "levels": levels}
    refused = bool(WAVEMIX.given(image_size=size).explain(axes))
    try:
        build(axes, Problem.square(size))
    except ConfigError:
        assert refused
    else:
        assert not refused
