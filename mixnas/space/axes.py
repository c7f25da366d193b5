"""The axes a space is made of: choices (whose options may bring sub-axes), integers, reals and flags.

An axis is plain data and never raises when it is declared; `mistakes()` says what is wrong with it, so that a space
can report all mistakes at once. Inside the package a value is held as its *code*: its place in `values`, or the
number itself where the axis is continuous.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from mixnas.records import Value

LARGEST = 2**53
"""Integers beyond it do not survive a trip through JSON in every language."""

MOST_STEPS = 1_000_000


class Continuum(Sequence[Value]):
    """Stands for the values of a continuous axis, where a code is the value itself."""

    def __getitem__(self, code: Any) -> Any:
        return code

    def __len__(self) -> int:
        return 2  # more than one: it can always change

    def __iter__(self) -> Iterator[Value]:
        raise TypeError("a continuous axis has no list of values")


@dataclass(frozen=True, repr=False)
class Option:
    """One option of a choice that brings axes of its own; they exist only while it is chosen."""

    name: str
    axes: tuple[tuple[str, Axis], ...] = ()

    def __repr__(self) -> str:
        return f"option({_call(repr(self.name), self.axes)})"


@dataclass(frozen=True, repr=False)
class Choice:
    """One of several plain values or options."""

    options: tuple[Value | Option, ...]

    kind = "choice"
    continuous = False

    @cached_property
    def values(self) -> Sequence[Value]:
        """The values in their order; an option's value is its name."""
        return tuple(o.name if isinstance(o, Option) else o for o in self.options)

    @cached_property
    def _codes(self) -> dict[Value, int]:
        return {value: code for code, value in enumerate(self.values)}

    def code(self, value: object) -> int | None:
        """The place of a value, or None where it is not one of them. `True` is not 1 here."""
        if not _is_plain(value):
            return None
        code = self._codes.get(value)  # type: ignore[call-overload]
        if code is None or isinstance(self.values[code], bool) is not isinstance(value, bool):
            return None
        return int(code)

    def pick(self, u: float) -> int:
        """The code that a uniform number in [0, 1) draws."""
        return int(u * len(self.options))

    def children(self, code: int) -> tuple[tuple[str, Axis], ...]:
        """The sub-axes that the option at that place brings."""
        option = self.options[code]
        return option.axes if isinstance(option, Option) else ()

    def describe(self) -> str:
        """The values in one line."""
        return _listing(self.values)

    def mistakes(self) -> list[str]:
        """What is wrong with the declaration; sub-axes are judged on their own."""
        if not self.options:
            return ["has no choices; give at least one"]
        odd = [v for v in self.values if not _is_plain(v)]
        if odd:
            return [f"has the choice {v!r}, which is no number, string, True or False" for v in odd]
        found = [f"has the choice {v!r}, which is not finite" for v in self.values if _not_finite(v)]
        found += [f"has the choice {v!r}, beyond 2**53" for v in self.values if _too_large(v)]
        found += [f"has the choice {v!r} twice{_equal_note(v, self.values)}" for v in _repeated(self.values)]
        options = [o for o in self.options if isinstance(o, Option)]
        found += [f"has the option {o.name!r}, whose name is no string" for o in options if not isinstance(o.name, str)]
        return found

    def __repr__(self) -> str:
        return f"choice({', '.join(map(repr, self.options))})"


@dataclass(frozen=True, repr=False)
class Integer:
    """Whole numbers from `low` to `high`, both included, in steps; `log` draws small ones as often as large ones."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    kind = "integer"
    continuous = False

    @cached_property
    def values(self) -> Sequence[Value]:
        """The values in their order."""
        return range(self.low, self.high + 1, self.step)

    def code(self, value: object) -> int | None:
        """The place of a value, or None where it is not one of them; 32.0 is 32, True is not 1."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            return None
        return self.values.index(int(value)) if int(value) in self.values else None

    def pick(self, u: float) -> int:
        """The code that a uniform number in [0, 1) draws."""
        if not self.log:
            return int(u * len(self.values))
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return min(max(round(math.exp(low + u * (high - low))), self.low), self.high) - self.low

    def describe(self) -> str:
        """The range in one line."""
        return f"{self.low} to {self.high}{_step_note(self.step, 1)}{' on a log scale' if self.log else ''}"

    def mistakes(self) -> list[str]:
        """What is wrong with the declaration."""
        numbers = {"low": self.low, "high": self.high, "step": self.step}
        odd = [f"has {k}={v!r}, which is no integer" for k, v in numbers.items() if not _is_int(v)]
        if odd:
            return odd
        found = [f"has {k}={v}, beyond 2**53" for k, v in numbers.items() if _too_large(v)]
        return found + _bound_mistakes(self)

    def __repr__(self) -> str:
        return f"integer({self.low!r}, {self.high!r}{_extras(self, 1)})"


@dataclass(frozen=True, repr=False)
class Real:
    """Numbers from `low` to `high`, both included; continuous unless `step` is given."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    kind = "real"

    @property
    def continuous(self) -> bool:
        """Whether it has no list of values."""
        return self.step is None

    @cached_property
    def values(self) -> Sequence[Value]:
        """The values in their order, or a `Continuum`."""
        if self.step is None:
            return Continuum()
        # Decimal, because 0.1 + 2 * 0.1 should be 0.3 here
        low, step = Decimal(repr(float(self.low))), Decimal(repr(float(self.step)))
        return tuple(float(low + k * step) for k in range(self._steps() + 1))

    def _steps(self) -> int:
        low, high, step = (Fraction(repr(float(x or 0))) for x in (self.low, self.high, self.step))
        return int((high - low) // step)

    def code(self, value: object) -> int | float | None:
        """The code of a value, or None where it is outside."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        if self.step is None:
            return float(value) + 0.0 if self.low <= value <= self.high else None  # + 0.0 makes -0.0 plain 0.0
        place = round((value - self.low) / self.step)
        fits = 0 <= place < len(self.values) and abs(float(self.values[place]) - value) <= 1e-9 * self.step
        return place if fits else None

    def pick(self, u: float) -> int | float:
        """The code that a uniform number in [0, 1) draws."""
        if self.step is not None:
            return int(u * len(self.values))
        if not self.log:
            return min(self.low + u * (self.high - self.low), self.high) + 0.0
        low, high = math.log(self.low), math.log(self.high)
        return min(max(math.exp(low + u * (high - low)), self.low), self.high)

    def describe(self) -> str:
        """The range in one line."""
        return f"{self.low} to {self.high}{_step_note(self.step, None)}{' on a log scale' if self.log else ''}"

    def mistakes(self) -> list[str]:
        """What is wrong with the declaration."""
        numbers = {"low": self.low, "high": self.high} | ({} if self.step is None else {"step": self.step})
        odd = [f"has {k}={v!r}, which is no finite number" for k, v in numbers.items() if not _is_real(v)]
        if odd:
            return odd
        if self.step is not None and self.step > 0 and self._steps() >= MOST_STEPS:
            return [f"has more than {MOST_STEPS:,} steps; leave out step for a continuous axis"]
        return _bound_mistakes(self)

    def __repr__(self) -> str:
        return f"real({self.low!r}, {self.high!r}{_extras(self, None)})"


@dataclass(frozen=True, repr=False)
class Flag:
    """False or True, in this order."""

    kind = "flag"
    continuous = False
    values: Sequence[Value] = (False, True)

    def code(self, value: object) -> int | None:
        """0 or 1, or None where the value is neither False nor True (1 and 0 are not)."""
        return int(value) if isinstance(value, bool) else None

    def pick(self, u: float) -> int:
        """The code that a uniform number in [0, 1) draws."""
        return int(u * 2)

    def describe(self) -> str:
        """The values in one line."""
        return "False, True"

    def mistakes(self) -> list[str]:
        """A flag cannot be wrong."""
        return []

    def __repr__(self) -> str:
        return "flag()"


Axis: TypeAlias = Choice | Integer | Real | Flag


def choice(*options: Value | Option) -> Choice:
    """One of several values, `choice(32, 64)`, or of options with sub-axes, `choice("a", option("b", x=flag()))`."""
    plain = (o.name if isinstance(o, Option) and not o.axes and isinstance(o.name, str) else o for o in options)
    return Choice(tuple(plain))


def option(name: str, axes: Mapping[str, Axis] | None = None, /, **named: Axis) -> Option:
    """An option of a choice with the sub-axes that exist only while it is chosen.

    In the choice `channel`, `option("overlap", ratio=choice("2/3", "3/5"))` brings the axis `channel.ratio`.
    """
    return Option(name, (*named.items(), *(axes or {}).items()))


def integer(low: int, high: int, *, step: int = 1, log: bool = False) -> Integer:
    """Whole numbers from `low` to `high`, both included; `step` or `log`, not both."""
    return Integer(low, high, step, log)


def real(low: float, high: float, *, step: float | None = None, log: bool = False) -> Real:
    """Numbers from `low` to `high`, both included; `step` makes them countable; `step` or `log`, not both."""
    return Real(low, high, step, log)


def flag() -> Flag:
    """False or True."""
    return Flag()


def count_note(axis: Axis) -> str:
    """`9 values`, or `continuous`."""
    if axis.continuous:
        return "continuous"
    return f"{len(axis.values):,} value{'s' if len(axis.values) != 1 else ''}"


def _bound_mistakes(axis: Integer | Real) -> list[str]:
    """What low, high, step and log say against each other."""
    step = axis.step
    if axis.low > axis.high:
        return [f"has low={axis.low} above high={axis.high}; swap them"]
    if step is not None and step <= 0:
        return [f"has step={step}, which must be greater than 0"]
    found = []
    if axis.log and step not in (None, 1):
        found.append(f"has both step={step} and log; leave one out")
    if axis.log and axis.low <= 0:
        found.append(f"has low={axis.low} on a log scale, which must be above 0")
    if not found and step is not None:
        last = axis.values[-1]
        if not math.isclose(float(last), axis.high, rel_tol=1e-12, abs_tol=1e-12):
            beyond = type(last)(float(last) + float(step))
            found.append(f"has high={axis.high}, which steps of {step} from {axis.low} miss; use {last} or {beyond}")
    return found


def _call(first: str, axes: tuple[tuple[str, Axis], ...]) -> str:
    """The arguments of a call that gives those axes back, as a dict where a name is no identifier."""
    if all(isinstance(name, str) and name.isidentifier() for name, _ in axes):
        return ", ".join([first, *(f"{name}={axis!r}" for name, axis in axes)])
    return f"{first}, {{{', '.join(f'{name!r}: {axis!r}' for name, axis in axes)}}}"


def _extras(axis: Integer | Real, plain_step: int | None) -> str:
    step = "" if axis.step == plain_step else f", step={axis.step!r}"
    return f"{step}{', log=True' if axis.log else ''}"


def _step_note(step: float | None, plain: int | None) -> str:
    return "" if step == plain else f" in steps of {step}"


def _listing(values: Sequence[Value], most: int = 24) -> str:
    shown = ", ".join(map(str, values[:most]))
    return f"{shown}, … {values[-1]}" if len(values) > most else shown


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    # a too large int has no float; ask for that before isfinite does
    return (
        not isinstance(value, bool)
        and isinstance(value, int | float)
        and not _too_large(value)
        and math.isfinite(value)
    )


def _not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _too_large(value: object) -> bool:
    return isinstance(value, int) and abs(value) > LARGEST


def _repeated(values: Sequence[Value]) -> list[Value]:
    """Every value that has an equal one before it."""
    seen: set[Value] = set()
    return [v for v in values if v in seen or seen.add(v)]  # type: ignore[func-returns-value]


def _equal_note(value: Value, values: Sequence[Value]) -> str:
    kinds = {type(v).__name__: v for v in values if v == value}
    return f" ({' and '.join(repr(v) for v in kinds.values())} are equal)" if len(kinds) > 1 else ""
