"""Which combinations of levels are run. Pure combinatorics: factors and levels by name, no space and no data.

Two-level fractions are regular: the first factors form a full factorial, each further one is the product of some of
them (its generator). Generators are those of the standard table of Box, Hunter and Hunter, Statistics for
Experimenters (2nd ed. 2005, table 6.22), as extended in Montgomery, Design and Analysis of Experiments (8th ed., table
8.14); resolution and aliases are worked out from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mixnas.ablation.spec import DesignKind
from mixnas.errors import UsageError

LETTERS = "ABCDEFGHJKL"
"""One a factor, in order. I is the identity, so no factor is called that."""

GENERATORS: Mapping[tuple[int, int], tuple[str, ...]] = {
    (3, 1): ("AB",),
    (4, 1): ("ABC",),
    (5, 1): ("ABCD",),
    (5, 2): ("AB", "AC"),
    (6, 1): ("ABCDE",),
    (6, 2): ("ABC", "BCD"),
    (6, 3): ("AB", "AC", "BC"),
    (7, 1): ("ABCDEF",),
    (7, 2): ("ABCD", "ABDE"),
    (7, 3): ("ABC", "BCD", "ACD"),
    (7, 4): ("AB", "AC", "BC", "ABC"),
    (8, 1): ("ABCDEFG",),
    (8, 2): ("ABCD", "ABEF"),
    (8, 3): ("ABC", "ABD", "BCDE"),
    (8, 4): ("BCD", "ACD", "ABC", "ABD"),
    (9, 2): ("ACDFG", "BCEFG"),
    (9, 3): ("ABCD", "ACEF", "CDEF"),
    (9, 4): ("BCDE", "ACDE", "ABDE", "ABCE"),
    (9, 5): ("ABC", "BCD", "ACD", "ABD", "ABCD"),
    (10, 3): ("ABCG", "BCDE", "ACDF"),
    (10, 4): ("BCDF", "ACDF", "ABDE", "ABCE"),
    (10, 5): ("ABCD", "ABCE", "ABDE", "ACDE", "BCDE"),
    (10, 6): ("ABC", "BCD", "ACD", "ABD", "ABCD", "AB"),
    (11, 5): ("CDE", "ABCD", "ABF", "BDEF", "ADEF"),
    (11, 6): ("ABC", "BCD", "CDE", "ACD", "ADE", "BDE"),
    (11, 7): ("ABC", "BCD", "ACD", "ABD", "ABCD", "AB", "AC"),
}
"""(factors, generated factors) to the generators of the last ones, so that the fraction has 2^(k-p) runs."""

ROMAN = {3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII"}

Run: TypeAlias = dict[str, str]
"""Factor to level; a factor that is left out is as in the base."""


@dataclass(frozen=True)
class Levels:
    """A factor as a design sees it: its level names, and which of them is the base (empty: none is)."""

    factor: str
    names: tuple[str, ...]
    base: str = ""

    @property
    def others(self) -> tuple[str, ...]:
        """The levels other than the base."""
        return tuple(name for name in self.names if name != self.base)


@dataclass(frozen=True)
class Plan:
    """The runs of a design, and what can be said of it before any of them."""

    kind: DesignKind
    runs: tuple[Run, ...]
    """Without the base, unless it is a cell of the design."""
    resolution: int = 0
    """Of a fractional design: the length of the shortest defining word; 0 for the others."""
    generators: tuple[str, ...] = ()
    """`D = ABC`, by letters."""
    aliases: tuple[tuple[str, ...], ...] = ()
    """Effects that cannot be told apart, main effects and two-factor interactions only, by letters."""
    letters: Mapping[str, str] | None = None
    """Letter to factor."""


def plan(kind: DesignKind, factors: Sequence[Levels], resolution: int = 4) -> Plan:
    """The runs of a design over some factors.

    Raises:
        UsageError: the design cannot be made of these factors.
    """
    if not factors:
        raise UsageError("nothing is varied", hint="--vary channel.ratio,spatial: axes of the space, or groups of them")
    for levels in factors:
        if not levels.others:
            raise UsageError(f"factor {levels.factor!r} has no level other than the base", hint="give it another value")
    if kind == "fractional":
        return fraction(factors, resolution)
    return Plan(kind, _RUNS[kind](factors))


def _one_at_a_time(factors: Sequence[Levels]) -> tuple[Run, ...]:
    return ({}, *({levels.factor: name} for levels in factors for name in levels.others))


def _full(factors: Sequence[Levels]) -> tuple[Run, ...]:
    combined = itertools.product(*(levels.names for levels in factors))
    return tuple({x.factor: name for x, name in zip(factors, names, strict=True)} for names in combined)


def _leave_one_out(factors: Sequence[Levels]) -> tuple[Run, ...]:
    for levels in factors:
        if not levels.base:
            raise UsageError(
                f"leave-one-out turns tricks of the base off, and the base has no level of factor {levels.factor!r}",
                hint=f"name its level among those given, or use --design oat; given: {', '.join(levels.names)}",
            )
        if len(levels.others) != 1:
            raise UsageError(
                f"leave-one-out turns factor {levels.factor!r} off, which has {len(levels.others)} other levels: "
                f"{', '.join(levels.others)}",
                hint=f"name the one that is off: --vary {levels.factor}={levels.others[0]}",
            )
    off = {levels.factor: levels.others[0] for levels in factors}
    every = [off] if len(factors) > 1 else []
    return ({}, *({factor: name} for factor, name in off.items()), *every)


_RUNS: Mapping[DesignKind, Callable[[Sequence[Levels]], tuple[Run, ...]]] = {
    "oat": _one_at_a_time,
    "factorial": _full,
    "leave-one-out": _leave_one_out,
}


def fraction(factors: Sequence[Levels], resolution: int = 4) -> Plan:
    """The smallest regular fraction of at least that resolution. It holds the base where the base has all factors.

    Raises:
        UsageError: a factor has other than two levels, or the table has no such fraction.
    """
    for levels in factors:
        if len(levels.names) != 2:
            raise UsageError(
                f"a fractional design takes two levels a factor; {levels.factor!r} has {len(levels.names)}: "
                f"{', '.join(levels.names)}",
                hint=f"name two: --vary {levels.factor}={','.join(levels.names[:2])}; or --design factorial",
            )
    k = len(factors)
    generators = _smallest(k, resolution)
    letters = dict(zip(LETTERS, (levels.factor for levels in factors), strict=False))
    words = defining_words(k, generators)
    # The base is the plus level of each factor: the row of all pluses is in every such fraction.
    plus_first = [(x.base or x.names[0], next(n for n in x.names if n != (x.base or x.names[0]))) for x in factors]
    runs = tuple(
        {x.factor: pair[sign < 0] for x, pair, sign in zip(factors, plus_first, signs, strict=True)}
        for signs in sign_table(k, generators)
    )
    named = [f"{letter} = {word}" for letter, word in zip(LETTERS[k - len(generators) : k], generators, strict=True)]
    return Plan("fractional", runs, min(map(len, words)), tuple(named), alias_chains(k, words), letters)


def _smallest(k: int, resolution: int) -> tuple[str, ...]:
    """Generators of the fraction with the fewest runs."""
    known = {p: words for (factors, p), words in GENERATORS.items() if factors == k}
    fits = {p: words for p, words in known.items() if min(map(len, defining_words(k, words))) >= resolution}
    if fits:
        return fits[max(fits)]
    full = f"--design factorial ({2**k:,} runs)"
    best = max((min(map(len, defining_words(k, words))) for words in known.values()), default=0)
    raise UsageError(
        f"there is no fraction of {k} two-level factors with resolution {resolution}"
        + (f"; the highest is {best}" if best else f": the table has 3 to {len(LETTERS)} factors"),
        hint=f"--resolution {best}, or {full}" if best else full,
    )


def sign_table(k: int, generators: Sequence[str]) -> list[tuple[int, ...]]:
    """One row of +1 and -1 a run: 2^(k-p) rows, the last p columns are the products that the generators name."""
    free = k - len(generators)
    rows = []
    for base in itertools.product((1, -1), repeat=free):
        by_letter = dict(zip(LETTERS, base, strict=False))
        made = [_product(by_letter[letter] for letter in word) for word in generators]
        rows.append((*base, *made))
    return rows


def defining_words(k: int, generators: Sequence[str]) -> tuple[str, ...]:
    """All words equal to the identity, shortest first: each generator's own, and every product of them."""
    free = k - len(generators)
    own = [frozenset(word) | {LETTERS[free + i]} for i, word in enumerate(generators)]
    found = set()
    for n in range(1, len(own) + 1):
        for chosen in itertools.combinations(own, n):
            found.add(_symmetric(chosen))
    return tuple(sorted((_word(letters) for letters in found), key=lambda word: (len(word), word)))


def word_lengths(words: Iterable[str]) -> dict[int, int]:
    """How many defining words there are of each length: the word-length pattern that catalogues print."""
    lengths = sorted(len(word) for word in words)
    return {length: lengths.count(length) for length in dict.fromkeys(lengths)}


def alias_chains(k: int, words: Sequence[str], order: int = 2) -> tuple[tuple[str, ...], ...]:
    """Effects of at most that many factors that share a column of signs, for each column that several share."""
    effects = [_word(c) for n in range(1, order + 1) for c in itertools.combinations(LETTERS[:k], n)]
    chains: list[list[str]] = []
    for effect in effects:
        same = {_word(_symmetric((frozenset(effect), frozenset(word)))) for word in words}
        chain = next((chain for chain in chains if chain[0] in same), None)
        if chain is None:
            chains.append([effect])
        else:
            chain.append(effect)
    return tuple(tuple(chain) for chain in chains if len(chain) > 1)


def describe_plan(plan: Plan) -> list[str]:
    """What a reader has to know of a fraction, one line each: letters, generators, resolution and aliases."""
    if not plan.letters:
        return []
    meaning = {
        3: "main effects are aliased with interactions of two factors",
        4: "main effects are clear of interactions of two factors, which are aliased with each other",
    }
    clear = "main effects and interactions of two factors are clear of each other"
    lines = [
        f"2^({len(plan.letters)}-{len(plan.generators)}) fraction, generators {', '.join(plan.generators)}, where "
        + ", ".join(f"{letter} is {factor}" for letter, factor in plan.letters.items()),
        f"resolution {ROMAN.get(plan.resolution, plan.resolution)}: {meaning.get(plan.resolution, clear)}",
    ]
    chains = [" = ".join(_readable(effect, plan.letters) for effect in chain) for chain in plan.aliases]
    return [*lines, *(f"cannot be told apart: {chain}" for chain in chains)]


def _readable(effect: str, letters: Mapping[str, str]) -> str:
    return " x ".join(letters[letter] for letter in effect)


def _product(signs: Iterable[int]) -> int:
    result = 1
    for sign in signs:
        result *= sign
    return result


def _symmetric(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    result: frozenset[str] = frozenset()
    for letters in sets:
        result = result ^ letters
    return result


def _word(letters: Iterable[str]) -> str:
    return "".join(sorted(letters))
