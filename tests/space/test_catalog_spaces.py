"""What every space file keeps, by merely lying in search_spaces/."""

from __future__ import annotations

import json
import random
from itertools import islice

import pytest

from mixnas import catalog, load_space
from mixnas.models import FAMILIES
from mixnas.space import SearchSpace, show

LARGEST_LISTED = 100_000
CONTEXTS = ({}, {"image_size": 8, "in_channels": 1}, {"image_size": 28, "in_channels": 1}, {"image_size": 224})
SPACES = sorted(catalog.names("search_spaces"))


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return load_space(request.param)


def test_there_are_spaces() -> None:
    assert "splitmixer" in SPACES


def test_it_is_named_after_its_file_and_says_what_it_is(space: SearchSpace) -> None:
    assert space.name in SPACES
    assert load_space(space.name) == space
    assert space.family in FAMILIES
    assert space.source and space.summary


@pytest.mark.parametrize("context", CONTEXTS, ids=str)
def test_size_and_enumeration_agree_and_samples_are_valid(space: SearchSpace, context: dict[str, int]) -> None:
    given = space.given(**context)
    size = given.size()
    assert size > 0, given.conflict()
    if size <= LARGEST_LISTED:
        assert sum(1 for _ in given.enumerate()) == size
    rng = random.Random(0)
    for candidate in [*given.sample_many(rng, 200), *islice(given.enumerate(), 50)]:
        assert given.explain(candidate) == []
        assert given.canonical(candidate) == candidate
        assert given.explain(given.mutate(candidate, rng)) == []
        assert given.from_parameters(given.to_parameters(candidate)) == candidate


def test_it_survives_json(space: SearchSpace) -> None:
    back = SearchSpace.from_json(json.loads(json.dumps(space.to_json())))
    assert back == space
    assert back.sample(random.Random(7)) == space.sample(random.Random(7))


def test_its_family_knows_every_axis(space: SearchSpace) -> None:
    from mixnas.models import family

    axes = {p.axis for p in space.parameters().values()}
    known = set(family(space.family).defaults) | {a for m in family(space.family).named.values() for a in m.axes}
    if not axes <= known:
        pytest.fail(f"axes that family {space.family!r} has no default and no named model for: {sorted(axes - known)}")


def test_it_shows_every_axis_and_every_reason(space: SearchSpace) -> None:
    text = show(space)
    assert all(p.axis.rsplit(".", 1)[-1] in text for p in space.parameters().values())
    assert all(rule.because in text for rule in space.rules)


SETTINGS = {
    "I": {"channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "one", "channel.shared": False},
    "II": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "one", "channel.shared": False},
    "III": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "all", "channel.shared": True},
    "IV": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "all", "channel.shared": False},
    "V": {"channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "all", "channel.shared": False},
}
BASE = {
    "width": 256,
    "depth": 8,
    "patch_size": 2,
    "kernel_size": 5,
    "activation": "gelu",
    "norm": "batch",
    "spatial": "separable",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_published_settings_are_points_of_the_splitmixer_space(setting: str) -> None:
    candidate = {**BASE, **SETTINGS[setting], "channel.operator": "pointwise"}
    assert load_space("splitmixer").explain(candidate) == []


def test_stride_mixer_and_conv_mixer_are_points_of_the_splitmixer_space() -> None:
    space = load_space("splitmixer")
    for setting in ("III", "V"):
        stride = {**BASE, **SETTINGS[setting], "channel.shared": True, "channel.operator": "conv3d"}
        assert space.explain(stride) == []
        assert space.explain({**stride, "channel.mixes": "one"}) != []
    assert space.explain({**BASE, "spatial": "depthwise", "channel": "dense"}) == []


def test_rules_and_merges_of_the_splitmixer_space() -> None:
    space = load_space("splitmixer")
    uneven = {**BASE, **SETTINGS["III"], "channel.segments": 3, "channel.operator": "pointwise"}
    assert space.explain(uneven) == [
        "one weight for all segments needs segments of equal width: "
        "forbid channel == 'disjoint' and channel.shared and "
        "width % channel.segments != 0 (here channel='disjoint', channel.segments=3, channel.shared=True, width=256)"
    ]
    assert space.explain({**uneven, "channel.mixes": "one"}) == []
    assert space.canonical({**uneven, "channel.mixes": "one"})["channel.shared"] is False
    overlap = {**BASE, **SETTINGS["I"], "channel.operator": "pointwise", "channel.ratio": "6/11"}
    assert space.canonical({**overlap, "width": 32})["channel.ratio"] == "5/9"
    assert space.canonical(overlap)["channel.ratio"] == "6/11"
