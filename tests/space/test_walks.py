"""Sizes, sampling, mutation, crossover and canonical forms on spaces made for the purpose."""

from __future__ import annotations

import collections
import hashlib
import math
import random

import pytest

from mixnas.errors import SpaceError, UnknownName
from mixnas.space import SearchSpace, choice, flag, forbid, integer, merge, option, real, require, walks


def make(**parts: object) -> SearchSpace:
    return SearchSpace("made", family="splitmixer", **parts)  # type: ignore[arg-type]


def numbered(count: int, **parts: object) -> SearchSpace:
    return make(axes={f"x{i}": integer(0, 9) for i in range(count)}, **parts)


def test_a_huge_space_with_local_rules_has_an_exact_size_at_once() -> None:
    rules = [forbid(f"x{i} > x{i + 1}", because="sorted in pairs") for i in range(0, 40, 2)]
    assert numbered(100, rules=rules).size() == 55**20 * 10**60


def test_a_chain_of_rules_over_all_axes_is_counted_exactly_at_once() -> None:
    rules = [forbid(f"x{i} > x{i + 1}", because="sorted") for i in range(39)]
    assert numbered(40, rules=rules).size() == math.comb(49, 9)


def test_a_huge_range_is_counted_without_listing_it() -> None:
    space = make(a=integer(1, 2**50), b=choice("x", option("y", c=integer(1, 10**9))), d=flag())
    assert space.size() == 2**50 * (1 + 10**9) * 2
    assert next(space.enumerate()) == {"a": 1, "b": "x", "d": False}
    space.validate(space.sample(random.Random(0)))


def test_a_space_too_entangled_to_count_says_which_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    from mixnas.space import sizes

    monkeypatch.setattr(sizes, "MOST_STEPS", 1000)
    space = numbered(5, rules=[forbid("x0 + x1 + x2 + x3 + x4 > 40", because="heavy")])
    with pytest.raises(SpaceError, match=r"rules tie the axes x0, x1, x2, x3, x4 together"):
        space.size()
    space.validate(space.sample(random.Random(0)))


def test_continuous_axes() -> None:
    space = make(
        lr=real(1e-4, 1.0, log=True),
        drop=real(-0.5, 0.5),
        kind=choice("a", option("b", x=real(0.0, 1.0))),
        rules=[forbid("lr > 0.1 and drop > 0", because="unstable")],
    )
    rng = random.Random(0)
    assert space.size() == math.inf
    with pytest.raises(SpaceError, match="continuous axes"):
        space.enumerate()
    for _ in range(200):
        parent, other = space.sample(rng), space.sample(rng)
        for candidate in (parent, space.mutate(parent, rng), space.crossover(parent, other, rng)):
            space.validate(candidate)
            assert space.canonical(candidate) == candidate
            assert space.from_parameters(space.to_parameters(candidate)) == candidate
        assert space.mutate(parent, rng) != parent
    small = sum(space.sample(rng)["lr"] < 0.01 for _ in range(1000))
    assert 450 < small < 700


def test_rules_on_continuous_axes_that_leave_next_to_nothing() -> None:
    space = make(a=real(0.0, 1.0), b=choice(1, 2), rules=[forbid("a >= 0 or b == 1", because="never")])
    with pytest.raises(SpaceError, match="no valid candidate was found"):
        space.sample(random.Random(0))


def test_a_log_scale_draws_small_numbers_as_often_as_large_ones() -> None:
    space, rng = make(n=integer(1, 1000, log=True)), random.Random(1)
    drawn = [space.sample(rng)["n"] for _ in range(3000)]
    assert min(drawn) == 1 and max(drawn) > 900
    assert 800 < sum(n < 10 for n in drawn) < 1300
    assert set(make(n=integer(1, 4, log=True)).sample_many(rng, 1)[0]) == {"n"}


@pytest.mark.parametrize("largest_table", [walks.LARGEST_TABLE, 0], ids=["tables", "rejection"])
def test_sampling_is_uniform_by_axis_and_then_conditioned_on_the_rules(
    largest_table: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "LARGEST_TABLE", largest_table)
    space = make(
        a=choice("p", option("q", b=choice(1, 2, 3))),
        c=flag(),
        d=choice(1, 2),
        rules=[
            forbid("a == 'q' and a.b == 3 and c", because="x"),
            merge("d", by="d if c else 0", because="dead"),
        ],
    )
    weights = {("p", None): 1 / 2, ("q", 1): 1 / 6, ("q", 2): 1 / 6, ("q", 3): 1 / 6}
    expected: dict[tuple[object, ...], float] = collections.defaultdict(float)
    for (a, b), weight in weights.items():
        for c in (False, True):
            for d in (1, 2):
                if not (b == 3 and c):
                    expected[(a, b, c, d if c else 1)] += weight / 4
    total, n = sum(expected.values()), 8000
    rng = random.Random(3)
    counts = collections.Counter((s["a"], s.get("a.b"), s["c"], s["d"]) for s in space.sample_many(rng, n))
    assert set(counts) == set(expected)
    for outcome, weight in expected.items():
        p = weight / total
        assert abs(counts[outcome] - n * p) < 5 * math.sqrt(n * p * (1 - p))


@pytest.mark.parametrize("largest_table", [walks.LARGEST_TABLE, 0], ids=["tables", "rejection"])
def test_the_tightest_space_still_samples_and_mutates(largest_table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "LARGEST_TABLE", largest_table)
    rules = [require(f"x{i + 1} == x{i}", because="all equal") for i in range(7)]
    space, rng = numbered(8, rules=rules), random.Random(0)
    assert space.size() == 10
    assert {space.sample(rng)["x0"] for _ in range(300)} == set(range(10))
    parent = space.sample(rng)
    assert space.mutate(parent, rng) != parent
    child = space.crossover(parent, space.mutate(parent, rng), rng)
    space.validate(child)


def test_a_mutation_changes_one_axis_and_what_hangs_on_it() -> None:
    space = make(a=choice("p", option("q", b=choice(1, 2, 3), c=flag())), d=integer(1, 9), e=flag(), f=choice("one"))
    rng = random.Random(0)
    changed: set[str] = set()
    for _ in range(300):
        parent = space.sample(rng)
        names = set(space.diff(parent, space.mutate(parent, rng)))
        assert len(names) == 1 or names <= {"a", "a.b", "a.c"}
        changed |= names
    assert changed == {"a", "a.b", "a.c", "d", "e"}


def test_a_lone_candidate_is_its_own_mutant() -> None:
    space = make(a=flag(), b=flag(), rules=[forbid("a or b", because="nothing else")])
    only = {"a": False, "b": False}
    assert space.mutate(only, random.Random(0)) == only


def test_every_axis_of_a_child_comes_from_a_parent() -> None:
    space = make(a=choice("p", option("q", b=integer(1, 9))), c=integer(1, 9), d=integer(1, 9))
    rng = random.Random(0)
    for _ in range(200):
        one, other = space.sample(rng), space.sample(rng)
        child = space.crossover(one, other, rng)
        assert all(child[axis] in (one.get(axis), other.get(axis)) for axis in child)


def test_contradictory_rules_are_named_and_only_those() -> None:
    space = make(
        width=choice(32, 64),
        depth=choice(2, 4),
        rules=[
            forbid("depth == 2", because="too shallow"),
            forbid("width == 32", because="too narrow"),
            require("width <= 32 or depth < 2", because="too large"),
            forbid("image_size < 4", because="tiny"),
        ],
    )
    assert space.size() == 0
    assert list(space.enumerate()) == []
    assert space.conflict() == ["forbid width == 32 (too narrow)", "require width <= 32 or depth < 2 (too large)"]
    with pytest.raises(SpaceError) as caught:
        space.sample(random.Random(0))
    assert caught.value.message.startswith(
        "space 'made' has no candidate; together these rules leave none:\n  - forbid"
    )
    assert caught.value.problems == tuple(space.conflict())
    assert "loosen one" in caught.value.hint


def test_a_rule_on_the_context_alone_can_close_a_space() -> None:
    space = make(width=choice(1, 2), rules=[require("image_size >= 16", because="needs larger images")])
    assert space.size() == 2
    closed = space.given(image_size=8)
    assert (closed.size(), list(closed.enumerate())) == (0, [])
    assert closed.conflict() == ["require image_size >= 16 (needs larger images)"]
    assert closed.explain({"width": 1}) == ["needs larger images: require image_size >= 16 (here image_size=8)"]


def test_a_require_says_nothing_about_an_inactive_axis() -> None:
    space = make(a=choice("p", option("q", b=choice(1, 2))), rules=[require("a.b == 1", because="x")])
    assert list(space.enumerate()) == [{"a": "p"}, {"a": "q", "a.b": 1}]


CHANNEL = choice("dense", option("overlap", ratio=choice("2/3", "3/5"), shared=flag()))


def test_canonical_drops_what_is_inactive_orders_keys_and_merges() -> None:
    space = make(
        width=choice(4, 64),
        on=flag(),
        channel=CHANNEL,
        rules=[merge("channel.ratio", by="width * channel.ratio // 1", because="same channels")],
    )
    raw = {"channel.shared": True, "channel.ratio": "3/5", "channel": "overlap", "on": False, "width": 4}
    canonical = {"width": 4, "on": False, "channel": "overlap", "channel.ratio": "2/3", "channel.shared": True}
    assert space.canonical(raw) == canonical
    assert list(space.canonical(raw)) == list(canonical)
    assert space.canonical({**raw, "width": 64})["channel.ratio"] == "3/5"
    assert space.canonical({**raw, "channel": "dense"}) == {"width": 4, "on": False, "channel": "dense"}
    assert space.digest(raw) == space.digest(canonical)
    assert space.diff(raw, {**raw, "channel": "dense", "on": True}) == {
        "on": (False, True),
        "channel": ("overlap", "dense"),
        "channel.ratio": ("2/3", None),
        "channel.shared": (True, None),
    }


def test_digests_are_fixed_names() -> None:
    space = make(width=choice(4, 64), on=flag(), channel=CHANNEL)
    candidate = {"width": 4, "on": False, "channel": "dense"}
    text = '["splitmixer",{"channel":"dense","on":false,"width":4}]'
    assert space.digest(candidate) == hashlib.sha256(text.encode()).hexdigest()[:16] == "8111d436dbed052b"
    reordered = make(channel=CHANNEL, on=flag(), width=choice(64, 4))
    assert reordered.digest(candidate) == space.digest(candidate)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"widht": 4}, "there is no axis 'widht'; did you mean 'width'?"),
        ({"width": 5}, "axis 'width' has no value 5; values: 4, 64"),
        ({"width": True}, "axis 'width' has no value True; values: 4, 64"),
        ({"width": "4"}, "axis 'width' has no value '4'; values: 4, 64"),
        ({"width": float("nan")}, "axis 'width' has no value nan"),
        ({"width": [4]}, "axis 'width' has no value [4]"),
        ({"on": 1}, "axis 'on' has no value 1; values: False, True"),
        ({"channel": "overlp"}, "axis 'channel' has no value 'overlp'; did you mean 'overlap'? values: dense, overlap"),
        ({"channel": "overlap"}, "axis 'channel.ratio' is missing; values: 2/3, 3/5"),
        ({"depth": 3}, "axis 'depth' has no value 3; values: 2 to 8 in steps of 2"),
        ({"depth": 10**30}, "axis 'depth' has no value 1000"),
        ({"depth": float("inf")}, "axis 'depth' has no value inf"),
        ({3: 4}, "there is no axis 3"),
    ],
)
def test_what_is_no_candidate(change: dict[object, object], says: str) -> None:
    space = make(width=choice(4, 64), on=flag(), channel=CHANNEL, depth=integer(2, 8, step=2))
    candidate = {"width": 4, "on": False, "channel": "dense", "depth": 2}
    assert space.explain(candidate) == []
    wrong = {**candidate, **change}  # type: ignore[dict-item]
    assert says in space.explain(wrong)[0]
    for method in (space.canonical, space.digest, space.validate, space.to_parameters):
        with pytest.raises(SpaceError) as caught:
            method(wrong)
        assert says in caught.value.message
        assert caught.value.exit_code == 2


def test_values_from_files_and_numpy_are_the_values_of_the_axis() -> None:
    import numpy as np

    space = make(width=choice(4, 64), depth=integer(2, 8, step=2), drop=real(0.0, 0.3, step=0.1), lr=real(0.0, 1.0))
    loose = {"width": np.int64(4), "depth": 8.0, "drop": 0.1 + 0.2, "lr": np.float32(-0.0)}
    canonical = space.canonical(loose)
    assert canonical == {"width": 4, "depth": 8, "drop": 0.3, "lr": 0.0}
    assert [type(v) for v in canonical.values()] == [int, int, float, float]
    assert str(canonical["lr"]) == "0.0"
    with pytest.raises(SpaceError, match="a candidate is a dict from axis to value, not 3"):
        space.canonical(3)  # type: ignore[arg-type]


def test_explain_names_the_reason_the_rule_and_the_values() -> None:
    space = make(width=choice(4, 64), on=flag(), rules=[forbid("width > image_size and on", because="too wide")])
    wrong = {"width": 64, "on": True}
    assert space.explain(wrong) == [
        "too wide: forbid width > image_size and on (here image_size=32, on=True, width=64)"
    ]
    with pytest.raises(SpaceError, match="no candidate of space 'made': too wide"):
        space.validate(wrong)


def test_parameters_that_are_wrong() -> None:
    space = make(width=choice(4, 64), channel=CHANNEL)
    with pytest.raises(UnknownName, match=r"channel\[overlap\].ratio"):
        space.from_parameters({"width": 4, "channel": "overlap", "channel.ratio": "2/3"})
    with pytest.raises(SpaceError, match="parameter 'channel' is missing"):
        space.from_parameters({"width": 4})
    with pytest.raises(SpaceError, match=r"axis 'channel\[overlap\].shared' has no value 3"):
        space.from_parameters(
            {"width": 4, "channel": "overlap", "channel[overlap].ratio": "2/3", "channel[overlap].shared": 3}
        )


def test_a_merge_leaves_values_with_sub_axes_and_inactive_keys_alone() -> None:
    space = make(
        a=choice("p", option("q", b=flag()), "r"),
        c=choice(option("on", d=choice(1, 2)), "off"),
        rules=[merge("a", by="1", because="all the same"), merge("c.d", by="a.b == 3", because="never differs")],
    )
    assert [c["a"] for c in space.enumerate() if c["c"] == "off"] == ["p", "q", "q"]
    unrelated = make(
        c=choice(1, 2), a=choice("p", option("q", b=choice(3, 4))), rules=[merge("c", by="c * a.b", because="x")]
    )
    assert unrelated.size() == 2 * 3
