"""Main effects and two-way interactions of a factorial, full or fractional, by least squares with seeds as blocks.

An effect of a factor is the difference between the averages of two of its levels over everything else. An interaction
is half of what that difference changes by when another factor changes its level (Box, Hunter and Hunter, Statistics
for Experimenters, 2nd ed. 2005, section 5.7). What the design cannot tell apart is said, and estimated once.

The noise is what seeds leave inside the cells of the design; with a single seed, what the model itself leaves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mixnas.statistics import LEVEL, Numbers, holm


@dataclass(frozen=True)
class Term:
    """A factor, or two that interact, with its columns of the model."""

    factors: tuple[str, ...]
    columns: Numbers
    """`[runs, degrees of freedom]`, sum-coded: over a balanced design each column averages to 0."""

    @property
    def name(self) -> str:
        """`spatial`, or `spatial x channel`."""
        return " x ".join(self.factors)


@dataclass(frozen=True)
class Model:
    """What a design lets one estimate."""

    matrix: Numbers
    """`[runs, columns]`: the mean, blocks of seeds, then the terms."""
    terms: tuple[Term, ...]
    places: Mapping[str, slice]
    """The columns of each term."""
    levels: Mapping[str, tuple[str, ...]]
    """The levels of each factor, the base first."""
    aliases: Mapping[str, tuple[str, ...]]
    """For each term that is estimated, those that it cannot be told apart from; a minus: with the opposite sign."""
    missing: tuple[str, ...] = ()
    """Terms that cannot be estimated, because cells are left out."""
    cells: Numbers = field(default_factory=lambda: np.zeros((0, 0)))
    """`[runs, columns]`: every cell of the design with a mean of its own, and the blocks."""


@dataclass(frozen=True)
class Effect:
    """One contrast with its interval."""

    term: str
    contrast: str
    """`depthwise - separable`."""
    estimate: float
    low: float
    high: float
    p: float
    p_holm: float = math.nan
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A row of the analysis of variance."""

    term: str
    degrees: int
    sum_squares: float
    f: float
    p: float
    p_holm: float = math.nan


@dataclass(frozen=True)
class Effects:
    """What a factorial says."""

    effects: tuple[Effect, ...] = ()
    sources: tuple[Source, ...] = ()
    residual_degrees: int = 0
    residual_sd: float = math.nan
    missing: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def factorial_effects(
    runs: Sequence[Mapping[str, str]], seeds: Sequence[int], values: npt.ArrayLike, levels: Mapping[str, Sequence[str]]
) -> Effects:
    """Effects and analysis of variance.

    Args:
        runs: for each training the level of every factor.
        seeds: for each training its seed.
        values: for each training what came out.
        levels: the levels of each factor, the base first.
    """
    model = make_model(runs, seeds, levels)
    y = np.asarray(values, float)
    found, low, high, p, names = contrasts(model, y)
    effects = tuple(
        Effect(term, words, *map(float, numbers), aliases=model.aliases.get(term, ()))  # type: ignore[misc, arg-type]
        for (term, words), *numbers in zip(names, found, low, high, p, holm(p), strict=True)
    )
    degrees, variance = _noise(model, y)
    return Effects(
        effects,
        _sources(model, y),
        degrees,
        math.sqrt(float(variance)),
        model.missing,
        model.aliases,
    )


def make_model(runs: Sequence[Mapping[str, str]], seeds: Sequence[int], levels: Mapping[str, Sequence[str]]) -> Model:
    """The model with all main effects and two-way interactions that the runs can tell apart, main effects first."""
    ordered = {name: tuple(known) for name, known in levels.items()}
    mains = {name: _coded([run[name] for run in runs], known) for name, known in ordered.items()}
    terms = [Term((name,), columns) for name, columns in mains.items()]
    for one, other in itertools.combinations(mains, 2):
        products = mains[one][:, :, None] * mains[other][:, None, :]
        terms.append(Term((one, other), products.reshape(len(runs), -1)))
    present = sorted(set(seeds))
    blocks = _coded([str(seed) for seed in seeds], tuple(map(str, present)))
    cells = sorted({tuple(run[name] for name in ordered) for run in runs})
    own = np.array([[tuple(run[name] for name in ordered) == cell for cell in cells] for run in runs], float)
    model = _independent(np.hstack([np.ones((len(runs), 1)), blocks]), terms, ordered)
    return replace(model, cells=np.hstack([own, blocks]))


def _coded(values: Sequence[str], levels: Sequence[str]) -> Numbers:
    """Sum coding with the first level as -1 everywhere: `[runs, levels - 1]`."""
    codes = _codes(levels)
    return np.array([codes[value] for value in values]).reshape(len(values), len(levels) - 1)


def _codes(levels: Sequence[str]) -> dict[str, Numbers]:
    width = len(levels) - 1
    return {name: -np.ones(width) if i == 0 else np.eye(width)[i - 1] for i, name in enumerate(levels)}


def _independent(start: Numbers, terms: Sequence[Term], levels: Mapping[str, tuple[str, ...]]) -> Model:
    """Takes terms one by one; one whose columns are known by then is an alias, or cannot be estimated."""
    matrix, rank = start, _rank(start)
    kept: list[Term] = []
    places: dict[str, slice] = {}
    aliases: dict[str, list[str]] = {}
    missing: list[str] = []
    for term in terms:
        wider = np.hstack([matrix, term.columns])
        if _rank(wider) == rank + term.columns.shape[1]:
            places[term.name] = slice(matrix.shape[1], wider.shape[1])
            matrix, rank = wider, rank + term.columns.shape[1]
            kept.append(term)
        elif (twin := _twin(term, kept)) is not None:
            aliases.setdefault(twin[0], []).append(twin[1] + term.name)
        else:
            missing.append(term.name)
    named = {name: tuple(others) for name, others in aliases.items()}
    return Model(matrix, tuple(kept), places, levels, named, tuple(missing))


def _rank(matrix: Numbers) -> int:
    return int(np.linalg.matrix_rank(matrix))


def _twin(term: Term, kept: Sequence[Term]) -> tuple[str, str] | None:
    """The estimated term with the same column, and the sign between the two."""
    if term.columns.shape[1] != 1:
        return None
    for other in kept:
        if other.columns.shape[1] == 1:
            if np.array_equal(other.columns, term.columns):
                return other.name, ""
            if np.array_equal(other.columns, -term.columns):
                return other.name, "-"
    return None


def contrasts(
    model: Model, values: Numbers, level: float = LEVEL
) -> tuple[Numbers, Numbers, Numbers, Numbers, list[tuple[str, str]]]:
    """Every effect of the model: estimate, low, high, p as `[..., effects]`, and the names.

    Args:
        values: `[..., runs]`; a thousand simulated studies are one call.
    """
    from scipy import stats

    names, weights = _weights(model)
    inverse = _inverse(model.matrix)
    estimates = values @ (weights @ inverse).T
    degrees, variance = _noise(model, values)
    if degrees < 1:
        nothing = np.full_like(estimates, np.nan)
        return estimates, nothing, nothing, nothing, names
    unscaled = np.einsum("ij,jk,ik->i", weights, inverse @ inverse.T, weights)
    errors = np.sqrt(variance[..., None] * unscaled)
    half = stats.t.ppf((1 + level) / 2, degrees) * errors
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(estimates) / np.where(errors > 1e-12, errors, np.nan), degrees)
    return estimates, estimates - half, estimates + half, p, names


def _weights(model: Model) -> tuple[list[tuple[str, str]], Numbers]:
    """For each effect its name and its weights on the columns of the model."""
    names: list[tuple[str, str]] = []
    rows: list[Numbers] = []
    codes = {name: _codes(known) for name, known in model.levels.items()}
    for term in model.terms:
        changes = [[(x, codes[f][x] - codes[f][model.levels[f][0]]) for x in model.levels[f][1:]] for f in term.factors]
        for chosen in itertools.product(*changes):
            weight = chosen[0][1] if len(chosen) == 1 else np.outer(chosen[0][1], chosen[1][1]).reshape(-1) / 2
            row = np.zeros(model.matrix.shape[1])
            row[model.places[term.name]] = weight
            rows.append(row)
            pairs = zip(term.factors, chosen, strict=True)
            words = [f"{x} - {model.levels[f][0]}" for f, (x, _) in pairs]
            names.append((term.name, words[0] if len(words) == 1 else " x ".join(f"({word})" for word in words)))
    return names, np.array(rows).reshape(len(rows), model.matrix.shape[1])


def _noise(model: Model, values: Numbers) -> tuple[int, Numbers]:
    """Degrees of freedom and variance `[...]` of what seeds leave in the cells, else of what the model leaves."""
    degrees, variance = _residual(model.cells, values)
    return (degrees, variance) if degrees else _residual(model.matrix, values)


def _residual(matrix: Numbers, values: Numbers) -> tuple[int, Numbers]:
    left = values - values @ (matrix @ _inverse(matrix)).T
    degrees = matrix.shape[0] - _rank(matrix)
    squares: Numbers = (left**2).sum(-1)
    return degrees, squares / degrees if degrees else np.full_like(squares, np.nan)


def _inverse(matrix: Numbers) -> Numbers:
    return np.asarray(np.linalg.pinv(matrix), float)


def _sources(model: Model, values: Numbers) -> tuple[Source, ...]:
    """One row a term: the F test that all its columns are 0, given all the others (type III)."""
    from scipy import stats

    inverse = _inverse(model.matrix)
    degrees, variance = _noise(model, values)
    coefficients, unscaled = inverse @ values, inverse @ inverse.T
    rows = []
    for term in model.terms:
        place = model.places[term.name]
        own = coefficients[place]
        squares = float(own @ np.linalg.solve(unscaled[place, place], own))
        f = squares / len(own) / float(variance) if degrees and variance > 0 else math.nan
        rows.append(Source(term.name, len(own), squares, f, float(stats.f.sf(f, len(own), max(degrees, 1)))))
    corrected = holm([row.p for row in rows])
    return tuple(replace(row, p_holm=float(p)) for row, p in zip(rows, corrected, strict=True))


@dataclass(frozen=True)
class Fit:
    """Least squares on terms, for what no design has balanced."""

    places: Mapping[str, slice]
    """The columns of each term that could be told apart from those before it."""
    coefficients: Numbers
    unscaled: Numbers
    """Covariance of the coefficients over the variance of the noise."""
    degrees: int
    variance: float

    def contrast(self, term: str, weights: Numbers) -> tuple[float, float]:
        """A weighted sum of a term's coefficients, and its standard error."""
        place = self.places[term]
        spread = weights @ self.unscaled[place, place] @ weights
        return float(weights @ self.coefficients[place]), math.sqrt(max(float(spread), 0.0) * self.variance)

    def p(self, term: str) -> float:
        """Of the F test that all coefficients of a term are 0; NaN where nothing is left for noise."""
        from scipy import stats

        own = self.coefficients[self.places[term]]
        if self.degrees < 1 or not self.variance > 0:
            return math.nan
        squares = own @ np.linalg.solve(self.unscaled[self.places[term], self.places[term]], own)
        return float(stats.f.sf(float(squares) / len(own) / self.variance, len(own), self.degrees))


def fit_terms(columns: Mapping[str, Numbers], values: Numbers) -> Fit:
    """Fits a mean and the terms, `[runs, degrees of freedom]` each, that are no sums of those before them."""
    terms = [Term((name,), found) for name, found in columns.items()]
    model = _independent(np.ones((len(values), 1)), terms, {})
    inverse = _inverse(model.matrix)
    degrees, variance = _residual(model.matrix, values)
    return Fit(model.places, inverse @ values, inverse @ inverse.T, degrees, float(variance))
