"""Designs against published catalogues and against their own definitions."""

from __future__ import annotations

import itertools

import pytest

from mixnas.ablation.designs import (
    GENERATORS,
    LETTERS,
    Levels,
    alias_chains,
    defining_words,
    describe_plan,
    plan,
    sign_table,
    word_lengths,
)
from mixnas.errors import UsageError

CATALOGUE = {
    (3, 1): (1,),
    (4, 1): (0, 1),
    (5, 1): (0, 0, 1),
    (5, 2): (2, 1),
    (6, 1): (0, 0, 0, 1),
    (6, 2): (0, 3),
    (6, 3): (4, 3),
    (7, 1): (0, 0, 0, 0, 1),
    (7, 2): (0, 1, 2),
    (7, 3): (0, 7),
    (7, 4): (7, 7, 0, 0, 1),
    (8, 1): (0, 0, 0, 0, 0, 1),
    (8, 2): (0, 0, 2, 1),
    (8, 3): (0, 3, 4),
    (8, 4): (0, 14, 0, 0, 0, 1),
    (9, 2): (0, 0, 0, 3),
    (9, 3): (0, 1, 4, 2),
    (9, 4): (0, 6, 8, 0, 0, 1),
    (9, 5): (4, 14, 8, 0, 4, 1),
    (10, 3): (0, 0, 3, 3, 1),
    (10, 4): (0, 2, 8, 4, 0, 1),
    (10, 5): (0, 10, 16, 0, 0, 5),
    (10, 6): (8, 18, 16, 8, 8, 5),
    (11, 5): (0, 4, 14, 8, 0, 3, 2),
    (11, 6): (0, 25, 0, 27, 0, 10, 0, 1),
    (11, 7): (12, 26, 28, 24, 20, 13, 4, 0),
}
"""Word-length patterns (A3, A4, ...) of the minimum-aberration designs: Chen, Sun and Wu, A catalogue of two-level and
three-level fractional factorial designs with small runs, International Statistical Review 61 (1993), for 16 to 64 runs;
the others follow from the generators printed by Box, Hunter and Hunter, and Montgomery."""


@pytest.mark.parametrize("design", sorted(CATALOGUE), ids=lambda d: f"2^({d[0]}-{d[1]})")
def test_generators_give_the_patterns_of_the_catalogue(design: tuple[int, int]) -> None:
    k, _ = design
    found = word_lengths(defining_words(k, GENERATORS[design]))
    assert found == {length: n for length, n in enumerate(CATALOGUE[design], start=3) if n}


@pytest.mark.parametrize("design", [d for d in sorted(GENERATORS) if d[0] - d[1] <= 4], ids=str)
def test_no_other_choice_of_generators_has_less_aberration(design: tuple[int, int]) -> None:
    k, p = design
    free = LETTERS[: k - p]
    products = ["".join(c) for n in range(2, len(free) + 1) for c in itertools.combinations(free, n)]

    def pattern(generators: tuple[str, ...]) -> list[int]:
        lengths = word_lengths(defining_words(k, generators))
        return [lengths.get(length, 0) for length in range(3, k + 1)]

    assert pattern(GENERATORS[design]) == min(pattern(chosen) for chosen in itertools.combinations(products, p))


def test_every_entry_is_checked() -> None:
    assert set(CATALOGUE) == set(GENERATORS)


@pytest.mark.parametrize("design", [d for d in sorted(GENERATORS) if d[0] - d[1] <= 6], ids=str)
def test_fractions_are_balanced_and_their_words_hold_in_every_run(design: tuple[int, int]) -> None:
    k, p = design
    table = sign_table(k, GENERATORS[design])
    assert len(set(table)) == len(table) == 2 ** (k - p)
    columns = dict(zip(LETTERS, zip(*table, strict=True), strict=False))
    for one, other in itertools.combinations(columns.values(), 2):
        assert sum(a * b for a, b in zip(one, other, strict=True)) == 0
    assert all(sum(column) == 0 for column in columns.values())
    for word in defining_words(k, GENERATORS[design]):
        for row in range(len(table)):
            sign = 1
            for letter in word:
                sign *= columns[letter][row]
            assert sign == 1


def test_aliases_are_effects_with_the_same_column() -> None:
    k, generators = 5, GENERATORS[5, 2]
    columns = dict(zip(LETTERS, zip(*sign_table(k, generators), strict=True), strict=False))

    def column(effect: str) -> tuple[int, ...]:
        rows = zip(*(columns[letter] for letter in effect), strict=True)
        return tuple(-1 if row.count(-1) % 2 else 1 for row in rows)

    effects = [*LETTERS[:k], *("".join(pair) for pair in itertools.combinations(LETTERS[:k], 2))]
    expected = {frozenset(e for e in effects if column(e) == column(effect)) for effect in effects}
    chains = alias_chains(k, defining_words(k, generators))
    assert {frozenset(chain) for chain in chains} == {chain for chain in expected if len(chain) > 1}


def factors(*counts: int, base: bool = True) -> list[Levels]:
    return [
        Levels(f"f{i}", tuple(f"v{j}" for j in range(count)), "v0" if base else "") for i, count in enumerate(counts)
    ]


def test_a_fraction_holds_the_base_and_states_its_aliasing() -> None:
    design = plan("fractional", factors(2, 2, 2, 2))
    assert len(design.runs) == 8
    assert dict.fromkeys(["f0", "f1", "f2", "f3"], "v0") in design.runs
    text = "\n".join(describe_plan(design))
    assert "resolution IV" in text
    assert "f0 x f1 = f2 x f3" in text


def test_the_smallest_fraction_of_the_asked_resolution_is_taken() -> None:
    assert [len(plan("fractional", factors(*[2] * k)).runs) for k in (4, 5, 6, 7, 8)] == [8, 16, 16, 16, 16]
    assert len(plan("fractional", factors(*[2] * 7), resolution=3).runs) == 8
    assert len(plan("fractional", factors(*[2] * 5), resolution=5).runs) == 16


@pytest.mark.parametrize(
    ("kind", "counts", "runs"),
    [
        ("oat", (3, 2), [{}, {"f0": "v1"}, {"f0": "v2"}, {"f1": "v1"}]),
        ("leave-one-out", (2, 2), [{}, {"f0": "v1"}, {"f1": "v1"}, {"f0": "v1", "f1": "v1"}]),
        ("leave-one-out", (2,), [{}, {"f0": "v1"}]),
    ],
)
def test_designs_around_the_base(kind: str, counts: tuple[int, ...], runs: list[dict[str, str]]) -> None:
    assert list(plan(kind, factors(*counts)).runs) == runs  # type: ignore[arg-type]


def test_a_full_factorial_has_every_combination_once() -> None:
    runs = plan("factorial", factors(2, 3, 2)).runs
    assert len(runs) == 12 == len({tuple(run.values()) for run in runs})


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("oat", [], "nothing is varied"),
        ("oat", factors(1), "no level other than the base"),
        ("leave-one-out", factors(3), "2 other levels"),
        ("leave-one-out", factors(2, base=False), "the base has no level"),
        ("fractional", factors(2, 3, 2, 2), "takes two levels"),
        ("fractional", factors(2, 2, 2), "the highest is 3"),
        ("fractional", factors(2, 2), "the table has 3 to 11 factors"),
        ("fractional", factors(*[2] * 12), "the table has 3 to 11 factors"),
    ],
)
def test_impossible_designs_are_refused_with_a_way_out(kind: str, given: list[Levels], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        plan(kind, given)  # type: ignore[arg-type]
    assert caught.value.hint
