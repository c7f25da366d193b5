"""What is expected of a candidate before it is trained: a Gaussian process for what is learned, a line for its seconds.

Inputs are the axes of the space and log10 of the costs that are exact. Numpy and scipy only; scipy is loaded when the
first process is fitted, not while the workers of a search start.

Source: Gaussian process regression, Rasmussen and Williams 2006, algorithm 2.1; Matérn 5/2, a length for each input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixnas.records import Candidate
from mixnas.space import Choice, Flag, Parameter, SearchSpace

Array = npt.NDArray[np.float64]

LARGEST = 256
"""Trials that a process is fitted to; each step of a fit grows with their cube."""

_WORST = 1e25
"""Stands for a likelihood that cannot be worked out."""


class Encoder:
    """Axes as numbers `[N, columns]`, each about 0 to 1, by branch of the space.

    A number is where it lies in its range, on a log scale where all values are positive; a name is a column of 0 and 1
    for each value; whether a conditional axis is there at all is a column, too, and its value is 0.5 where it is not.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._parameters = tuple(space.parameters().values())
        self.columns = self.encode([space.sample(np.random.default_rng(0))]).shape[1]

    def encode(self, candidates: Sequence[Candidate]) -> Array:
        """One row for each canonical candidate."""
        named = [self._space.to_parameters(axes) for axes in candidates]
        return np.hstack([self._columns(p, named) for p in self._parameters] or [np.zeros((len(named), 0))])

    def _columns(self, parameter: Parameter, named: Sequence[Mapping[str, object]]) -> Array:
        values = [axes.get(parameter.name) for axes in named]
        there = np.array([value is not None for value in values], float)[:, None]
        shown = [there[:, :0]] if _always(parameter) else [there]
        domain = parameter.domain
        listed = list(domain.values) if isinstance(domain, Choice | Flag) else [domain.low, domain.high]
        numbers = [float(v) for v in listed if not isinstance(v, str | bool)]
        if len(numbers) < len(listed):
            # The last value is what is left when it is none of the others.
            return np.hstack([*shown, *(_equal(values, v) for v in listed[:-1])])
        if len(set(numbers)) < 2:
            return np.hstack(shown)
        return np.hstack([*shown, np.where(there > 0, _placed(values, min(numbers), max(numbers)), 0.5)])


def _always(parameter: Parameter) -> bool:
    return "[" not in parameter.name


def _equal(values: Sequence[object], value: object) -> Array:
    return np.array([v == value for v in values], float)[:, None]


def _placed(values: Sequence[object], low: float, high: float) -> Array:
    numbers = np.array([low if v is None else v for v in values], float)[:, None]
    if low > 0:
        return np.asarray(np.log(numbers / low) / math.log(high / low), float)
    return np.asarray((numbers - low) / (high - low), float)


@dataclass(frozen=True)
class Kernel:
    """The settings of a process, as logarithms: a length for each input, the height of the function, and its noise."""

    lengths: Array
    height: float
    noise: float

    @classmethod
    def start(cls, columns: int) -> Kernel:
        """Before anything is known: inputs of 0 to 1 matter at the scale of their number."""
        return cls(np.full(columns, _usual_length(columns)), 0.0, math.log(0.05))

    def between(self, a: Array, b: Array) -> Array:
        """The covariance of rows `[n, columns]` and `[m, columns]`: `[n, m]`."""
        scale = np.exp(-self.lengths)
        return np.asarray(math.exp(self.height) * _matern(_squared(a * scale, b * scale)), float)


def _usual_length(columns: int) -> float:
    return 0.5 * math.log(max(columns, 1)) + math.log(0.6)


def _squared(a: Array, b: Array) -> Array:
    return np.asarray(np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2.0 * a @ b.T, 0.0), float)


def _matern(squared: Array) -> Array:
    r = np.sqrt(5.0 * squared)
    found = np.exp(-r)
    found *= 1.0 + r * (1.0 + r / 3.0)
    return np.asarray(found, float)


class Process:
    """A Gaussian process on inputs `[n, columns]` and targets `[n]`, which are scaled to mean 0 and deviation 1.

    Args:
        kernel: settings found earlier, to be used as they are; fitted anew where it is None.
    """

    def __init__(self, inputs: Array, targets: Array, kernel: Kernel | None = None) -> None:
        from scipy.linalg import cho_solve, cholesky

        self._inputs, self._middle = inputs, float(targets.mean())
        self._scale = float(targets.std()) or 1.0
        scaled = (targets - self._middle) / self._scale
        self.kernel = kernel or _fitted(inputs, scaled)
        covariance = self.kernel.between(inputs, inputs) + _noise(self.kernel, len(inputs))
        self._root = cholesky(covariance, lower=True)
        self._weights = cho_solve((self._root, True), scaled)

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function itself, without the noise of a single training; `[N]` each."""
        from scipy.linalg import solve_triangular

        crossed = self.kernel.between(inputs, self._inputs)
        explained = solve_triangular(self._root, crossed.T, lower=True)
        variance = math.exp(self.kernel.height) - np.einsum("ij,ij->j", explained, explained)
        deviation = np.sqrt(np.maximum(variance, 1e-10))
        return self._middle + self._scale * (crossed @ self._weights), self._scale * deviation

    @property
    def noise(self) -> float:
        """Standard deviation of a single training about the function."""
        return self._scale * math.exp(0.5 * self.kernel.noise)


def _noise(kernel: Kernel, count: int) -> Array:
    return np.asarray((math.exp(kernel.noise) + 1e-8) * np.eye(count), float)


def _fitted(inputs: Array, targets: Array) -> Kernel:
    """The settings of greatest posterior density; few trials leave them near where they start."""
    from scipy.optimize import minimize

    columns = inputs.shape[1]
    begin = Kernel.start(columns)
    packed = np.concatenate([begin.lengths, [begin.height, begin.noise]])
    bounds = [(math.log(0.05), math.log(50.0))] * columns + [(-3.0, 3.0), (math.log(1e-5), 0.0)]
    found = minimize(
        _loss, packed, (inputs, targets), method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": 40}
    )
    return Kernel(found.x[:columns], float(found.x[columns]), float(found.x[columns + 1]))


def _loss(packed: Array, inputs: Array, targets: Array) -> tuple[float, Array]:
    """Minus the log posterior density of the settings, and its gradient."""
    from scipy.linalg import cho_solve, cholesky

    count, columns = inputs.shape
    kernel = Kernel(packed[:columns], float(packed[columns]), float(packed[columns + 1]))
    scaled = inputs * np.exp(-kernel.lengths)
    squared = _squared(scaled, scaled)
    smooth = math.exp(kernel.height) * _matern(squared)
    try:
        root = cholesky(smooth + _noise(kernel, count), lower=True)
    except np.linalg.LinAlgError:
        return _WORST, np.zeros_like(packed)
    weights = cho_solve((root, True), targets)
    inverse = cho_solve((root, True), np.eye(count))
    outer = np.outer(weights, weights) - inverse
    value = 0.5 * targets @ weights + np.log(np.diag(root)).sum()
    # d k / d log length_i = height * 5/3 (1 + r) exp(-r) * squared distance in column i, with r = sqrt(5 squared).
    r = np.sqrt(5.0 * squared)
    pull = outer * (math.exp(kernel.height) * 5.0 / 3.0 * (1.0 + r) * np.exp(-r))
    rows = pull.sum(1)
    by_length = 2.0 * (rows @ (scaled * scaled) - np.einsum("ij,ij->j", scaled, pull @ scaled))
    gradient = -0.5 * np.concatenate([by_length, [(outer * smooth).sum(), math.exp(kernel.noise) * np.trace(outer)]])
    prior, slope = _prior(packed, columns)
    return float(value + prior), gradient + slope


def _prior(packed: Array, columns: int) -> tuple[float, Array]:
    """Minus the log density of normal priors on the logarithms, and its gradient."""
    middle = np.concatenate([np.full(columns, _usual_length(columns)), [0.0, math.log(0.03)]])
    spread = np.concatenate([np.full(columns, 1.2), [0.7, 1.5]])
    distance = (packed - middle) / spread
    return float(0.5 * distance @ distance), distance / spread


class LogLinear:
    """Something positive that grows with the inputs, such as the seconds of a training: ridge regression of its log.

    Args:
        inputs: `[n, columns]`.
        values: `[n]`, positive.
        rise: what the logarithm is taken to gain with one unit of the first column, before anything is known.
    """

    def __init__(self, inputs: Array, values: Array, rise: float = 0.0) -> None:
        self._middle = inputs.mean(axis=0)
        targets = np.log(values)
        self._base = float(targets.mean())
        centred = inputs - self._middle
        start = np.zeros(inputs.shape[1])
        start[:1] = rise
        square = centred.T @ centred + 0.3 * np.eye(inputs.shape[1])
        self._slopes = start + np.linalg.solve(square, centred.T @ (targets - self._base - centred @ start))

    def predict(self, inputs: Array) -> Array:
        """What is expected of each row, `[N]`."""
        return np.asarray(np.exp(self._base + (inputs - self._middle) @ self._slopes), float)
