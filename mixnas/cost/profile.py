"""What a candidate costs: parameters, multiply-accumulates and memory, in all and stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from mixnas.cost.breakdown import Memory, breakdown
from mixnas.cost.check import Count, count
from mixnas.cost.memory import Setup
from mixnas.models import family as find_family
from mixnas.records import Candidate, Problem

LARGEST = 200e9
"""Multiply-accumulates above which the model is not run for its stages; the closed forms need no run."""

_LEVELS = 4


@dataclass(frozen=True)
class Stage:
    """A module of the built model; `macs` is fvcore's count, one forward pass of one image."""

    name: str
    kind: str
    params: int
    macs: int
    saved: int = 0
    """Bytes that its forward pass leaves for the backward pass, for the batch of `Profile.memory`."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """Its bytes when the most lives in a training step, by kind."""
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Profile:
    """Costs of one candidate on one problem. `macs` and `macs_thop` are of one forward pass of one image."""

    family: str
    axes: Candidate
    task: str
    input: tuple[int, int, int]
    """`(C, H, W)`."""
    num_classes: int
    params: int
    macs: int
    """fvcore's convention, plus `macs_unseen`."""
    macs_unseen: int
    """The part of `macs` that fvcore cannot see and the family's closed form adds."""
    macs_thop: int
    """thop's convention, which the papers' printed FLOPs follow."""
    uncounted: Mapping[str, int] = field(default_factory=dict)
    """Operations that count nothing, with how often they run."""
    stages: tuple[Stage, ...] = ()
    """Empty where the model is too large to run (`LARGEST`); `uncounted` is empty then, too."""
    memory: Memory | None = None
    """None where the model is too large to run."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "input": list(self.input)}


def profile(family: str, axes: Candidate, problem: Problem, setup: Setup | None = None) -> Profile:
    """Costs of a candidate: totals from the closed forms, stages from the built model and from a traced step.

    Raises:
        UnknownName: there is no such family.
        ConfigError: the axes and the problem make no model.
    """
    found = find_family(family)
    with torch.device("meta"):
        found.build(axes, problem)  # refuses what cannot be built, before the closed forms see it
    macs = int(found.macs(axes, problem))
    counted = Count(0, {}, {})
    stages: tuple[Stage, ...] = ()
    memory = None
    if macs <= LARGEST:
        with torch.random.fork_rng(devices=[]):
            model = found.build(axes, problem)
        counted = count(model, problem.input)
        memory = breakdown(family, axes, problem, setup or Setup())
        stages = _stages(model, "", counted.modules, memory, _LEVELS)
    return Profile(
        family,
        dict(axes),
        problem.task,
        problem.input,
        problem.num_classes,
        params=int(found.params(axes, problem)),
        macs=macs,
        macs_unseen=int(found.macs_unseen(axes, problem)),
        macs_thop=int(found.macs_thop(axes, problem)),
        uncounted=counted.uncounted,
        stages=stages,
        memory=memory,
    )


def _stages(module: nn.Module, path: str, macs: Mapping[str, int], memory: Memory, levels: int) -> tuple[Stage, ...]:
    if levels == 0:
        return ()
    found = []
    for name, child in module.named_children():
        full = f"{path}.{name}" if path else name
        params = sum(p.numel() for p in child.parameters())
        inside = _stages(child, full, macs, memory, levels - 1)
        saved, kinds = memory.of(full)
        found.append(Stage(name, type(child).__name__, params, macs.get(full, 0), saved, kinds, inside))
    return tuple(found)
