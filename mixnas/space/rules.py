"""The rules of a space: what may not be, what has to be, and what is the same. Each says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, repr=False)
class Forbid:
    """No candidate for which the condition holds."""

    when: str
    because: str

    kind = "forbid"

    @property
    def condition(self) -> str:
        """The expression that the rule works out."""
        return self.when

    def __repr__(self) -> str:
        return f"forbid({self.when!r}, because={self.because!r})"


@dataclass(frozen=True, repr=False)
class Require:
    """Only candidates for which the condition holds; it says nothing where an axis that it names is inactive."""

    that: str
    because: str

    kind = "require"

    @property
    def condition(self) -> str:
        """The expression that the rule works out."""
        return self.that

    def __repr__(self) -> str:
        return f"require({self.that!r}, because={self.because!r})"


@dataclass(frozen=True, repr=False)
class Merge:
    """Two values of the axis are one architecture when `by` comes out equal and everything else is held.

    The canonical form keeps the first of them in the axis' order. Only values without sub-axes are merged, and an
    inactive `by` merges nothing.
    """

    axis: str
    by: str
    because: str

    kind = "merge"

    @property
    def condition(self) -> str:
        """The expression that the rule works out."""
        return self.by

    def __repr__(self) -> str:
        return f"merge({self.axis!r}, by={self.by!r}, because={self.because!r})"


Rule: TypeAlias = Forbid | Require | Merge


def forbid(when: str, *, because: str) -> Forbid:
    """Refuses candidates: `forbid("patch_size * 2 > image_size", because="fewer than 2x2 patches leave nothing")`."""
    return Forbid(when, because)


def require(that: str, *, because: str) -> Require:
    """Demands something of every candidate that has the axes it names: `require("width % heads == 0", because=...)`."""
    return Require(that, because)


def merge(axis: str, *, by: str, because: str) -> Merge:
    """Declares values equal: `merge("channel.shared", by="channel.mixes == 'all' and channel.shared", because=...)`."""
    return Merge(axis, by, because)


def title(rule: Rule) -> str:
    """The rule in one line, without its reason."""
    if isinstance(rule, Merge):
        return f"merge {rule.axis} by {rule.by}"
    return f"{rule.kind} {rule.condition}"
