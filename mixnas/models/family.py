"""What a model family is to the rest of the project: how to build it, what it costs, and its published members.

The closed forms are plain arithmetic: they take axis values that are ints and strings, or numpy columns of them (one
row a candidate), and return an int or an int64 column.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from mixnas.records import Candidate, Problem, Value

if TYPE_CHECKING:
    from torch import nn

DEEPEST = 2000
"""Blocks that a model may have. Costs of deeper ones can be told, but to build one takes minutes, or all memory."""

Axes = Mapping[str, Any]
"""Axis name to value, or to a numpy column of values."""


@dataclass(frozen=True)
class NamedModel:
    """A published model: the axes that make it and the problem it was published for."""

    axes: Candidate
    problem: Problem
    note: str = ""


class Probe(NamedTuple):
    """A candidate of the same structure as another one, with sizes that cannot be mistaken for each other.

    What is allocated for it tells what is allocated for the other: each size stands for one of the other's.
    """

    axes: Candidate
    problem: Problem
    batch_size: int
    sizes: Mapping[int, int]
    """Size of the probe to size of the candidate; sizes that are not in it are the same in both."""


@dataclass(frozen=True)
class Family:
    """One model family. `defaults` gives the value of every axis that a candidate leaves out."""

    name: str
    source: str
    summary: str
    build: Callable[[Candidate, Problem], nn.Module]
    params: Callable[[Axes, Problem], Any]
    macs: Callable[[Axes, Problem], Any]
    """As fvcore counts them in eval mode on the built model, plus what it cannot see (stated by the family)."""
    macs_thop: Callable[[Axes, Problem], Any]
    """In thop's convention, which the papers' printed FLOPs follow."""
    defaults: Mapping[str, Value]
    tiny: Candidate
    """A member small enough for every test."""
    macs_unseen: Callable[[Axes, Problem], Any] = lambda axes, problem: 0
    """The part of `macs` that fvcore cannot see: `macs` minus this is fvcore's total, exactly."""
    tasks: tuple[str, ...] = ("classification",)
    named: Mapping[str, NamedModel] = field(default_factory=dict)
    kind: Callable[[Candidate, int], int] | None = None
    """The kind of a block by its number: blocks of a kind, other than the first and the last, take the same memory.
    None: blocks differ, or there are none."""
    probe: Callable[[Candidate, Problem, int], Probe | None] | None = None
    """A probe of a candidate for a batch size, for its memory; None where its structure hangs on its sizes."""


def later(target: str) -> Callable[..., Any]:
    """The function `module:name`; its module, and torch with it, is loaded when it is called first."""
    module, _, name = target.partition(":")

    def call(*arguments: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments)

    return call
