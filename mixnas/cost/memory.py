"""Peak memory of a model before anybody trains it, predicted on fake tensors.

`training_memory` is the largest number of bytes that live at once in one training step (forward, loss, backward,
clipping, AdamW, gradients set to None) from the second step on; `inference_memory` the same for a forward pass. The data
set is left out. Nothing is allocated: a candidate that would need 1 TiB is costed as fast as a small one.

Tracing a step takes about 10 ms and 10 ms a block. Two things make it faster, both exact (tests compare them with traces):

    depth   blocks repeat with the family's `period`, so what a block takes, leaves and gives back is read from a shallow
            trace and repeated; the phases (stem, blocks, head, loss, optimiser) are put together as they follow each other
    sizes   a family may have a `probe`: a candidate of the same structure whose sizes are large primes. Each size in its
            trace is then known for what it is (images, width, segment, ...), and one trace serves every candidate of that
            structure by putting in the real sizes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mixnas.cost.step import inference_pass, training_step
from mixnas.cost.trace import Recorder
from mixnas.models import family as find_family
from mixnas.models.family import Family, Probe
from mixnas.recipe import Recipe
from mixnas.records import Candidate, Problem, Value

SMALLEST = 200
"""Sizes of probes are larger; smaller ones in their traces are numbers of things, the same in every candidate."""

_NO_CHANGE: Mapping[int, int] = {}


@dataclass(frozen=True)
class Setup:
    """What a memory figure depends on beside the model: all of it is part of its name in the store."""

    batch_size: int = 32
    precision: str = "fp32"
    clip: bool = True
    optimizer: str = "adamw"

    @classmethod
    def of(cls, recipe: Recipe) -> Setup:
        """The setup of a recipe."""
        return cls(recipe.batch_size, recipe.precision, recipe.clip_norm > 0)

    def recipe(self) -> Recipe:
        """A recipe with this setup."""
        return Recipe(batch_size=self.batch_size, precision=self.precision, clip_norm=float(self.clip))  # type: ignore[arg-type]


class Section(NamedTuple):
    """A stretch of a step: which phase of which block it is, the most that lives in it, and what it leaves, in bytes,
    both counted from what lives when it begins."""

    phase: str
    block: int
    most: int
    leaves: int


def training_memory(family: str, axes: Candidate, problem: Problem, setup: Setup) -> int:
    """Peak bytes of one training step.

    Raises:
        UnknownName: there is no such family.
        ConfigError: the axes and the problem make no model.
    """
    return _peak(family, axes, problem, setup, training=True)


def inference_memory(family: str, axes: Candidate, problem: Problem, setup: Setup) -> int:
    """Peak bytes of one forward pass in evaluation mode, without gradients.

    Raises:
        UnknownName: there is no such family.
        ConfigError: the axes and the problem make no model.
    """
    return _peak(family, axes, problem, setup, training=False)


def traced_memory(family: str, axes: Candidate, problem: Problem, setup: Setup, training: bool = True) -> int:
    """The same from a trace of this very model, without short cuts."""
    return _highest(_step(trace(find_family(family), axes, problem, setup, training), _NO_CHANGE).sections)


def trace(
    family: Family, axes: Candidate, problem: Problem, setup: Setup, training: bool = True, modules: bool = False
) -> Recorder:
    """The life of every storage of a step."""

    def build():  # type: ignore[no-untyped-def]
        return family.build(axes, problem)

    if training:
        return training_step(build, problem, setup.recipe(), setup.batch_size, modules)
    return inference_pass(build, problem, setup.precision, setup.batch_size)


# ------------------------------------------------------------------------------------------------------- short cuts


class Step(NamedTuple):
    """The sections of a step in order, and what in the others hangs on the number of blocks."""

    sections: tuple[Section, ...]
    held: tuple[int, ...]
    """Bytes of each block's parameters, gradients, optimiser state and buffers, before the step begins."""
    freed: Mapping[str, tuple[int, ...]]
    """Bytes of each block that die in a section that is no block's, by its phase: the gradients of the step before."""
    tensors: tuple[int, ...]
    """How many parameters each block has: clipping takes 8 bytes for the norm of each."""


def _peak(name: str, axes: Candidate, problem: Problem, setup: Setup, training: bool) -> int:
    family = find_family(name)
    depth = int(axes.get("depth", family.defaults.get("depth", 0)))
    period = family.period(axes) if family.period else 0
    traced_depth = _traced_depth(depth, period)
    probe = family.probe(axes, problem, setup.batch_size) if family.probe else None
    step = _scaled(name, probe, traced_depth, setup, training) if probe else None
    if step is None:
        step = _traced(name, _key({**axes, "depth": traced_depth} if period else axes), problem, setup, training)
    return _highest(_deepen(step, traced_depth, depth, period) if traced_depth < depth else step.sections)


def _scaled(name: str, probe: Probe, depth: int, setup: Setup, training: bool) -> Step | None:
    """The step of a candidate from the trace of its probe; None where a size in that trace is of unknown meaning."""
    large = Setup(probe.batch_size, setup.precision, setup.clip, setup.optimizer)
    recorder, found = _probed(name, _key({**probe.axes, "depth": depth}), probe.problem, large, training)
    known = {*probe.sizes, probe.problem.num_classes, probe.problem.in_channels}
    return _step(recorder, probe.sizes) if all(size in known for size in found) else None


def _traced_depth(depth: int, period: int) -> int:
    """The depth of a trace that tells all of this depth: the first block, the last one, and a period between."""
    least = period + 2
    return depth if not period or depth <= least else least + (depth - least) % period


def _key(axes: Candidate) -> tuple[tuple[str, Value], ...]:
    return tuple(axes.items())


@lru_cache(maxsize=4000)
def _traced(
    name: str, axes: tuple[tuple[str, Value], ...], problem: Problem, setup: Setup, training: bool
) -> Step:
    return _step(trace(find_family(name), dict(axes), problem, setup, training), _NO_CHANGE)


@lru_cache(maxsize=4000)
def _probed(
    name: str, axes: tuple[tuple[str, Value], ...], problem: Problem, setup: Setup, training: bool
) -> tuple[Recorder, frozenset[int]]:
    """The trace of a probe, and the sizes in it that are too large to be mere numbers of things."""
    recorder = trace(find_family(name), dict(axes), problem, setup, training)
    shapes = (s for storage in recorder.storages for s in (storage.work.shapes if storage.work else (storage.shape,)))
    return recorder, frozenset(size for shape in shapes for size in shape if size >= SMALLEST)


def _step(recorder: Recorder, sizes: Mapping[int, int]) -> Step:
    """What each section takes and leaves, with the real sizes put in."""
    bytes_of = [storage.size(sizes) for storage in recorder.storages]
    ends = [mark.event for mark in recorder.marks[1:]] + [len(recorder.events)]
    sections = []
    for mark, end in zip(recorder.marks, ends, strict=True):
        live = most = 0
        for number, sign in recorder.events[mark.event : end]:
            live += sign * bytes_of[number]
            if live > most:
                most = live
        sections.append(Section(mark.phase, mark.block, most, live))
    return Step(tuple(sections), *_by_block(recorder, bytes_of, ends))


def _by_block(
    recorder: Recorder, bytes_of: list[int], ends: list[int]
) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]], tuple[int, ...]]:
    blocks = 1 + max((mark.block for mark in recorder.marks), default=-1)
    owner: dict[int, int] = {}
    held, tensors = [0] * blocks, [0] * blocks
    for number in range(recorder.first):
        storage = recorder.storages[number]
        parts = storage.module.split(".")
        if parts[0] == "blocks":
            block = owner[number] = int(parts[1])
            held[block] += bytes_of[number]
            tensors[block] += storage.kind == "parameters"
    freed: dict[str, list[int]] = {}
    for mark, end in zip(recorder.marks, ends, strict=True):
        for number, sign in recorder.events[mark.event : end]:
            if mark.block >= 0 and sign > 0:
                owner[number] = mark.block
            elif mark.block < 0 and sign < 0 and number in owner:
                freed.setdefault(mark.phase, [0] * blocks)[owner[number]] += bytes_of[number]
    return tuple(held), {phase: tuple(found) for phase, found in freed.items()}, tuple(tensors)


def _deepen(step: Step, traced: int, depth: int, period: int) -> list[Section]:
    """The sections of a deeper model: blocks between the first and the last repeat with the period."""
    same = [0, *(1 + (number - 1) % period for number in range(1, depth - 1)), traced - 1]

    def more(each: Sequence[int]) -> int:
        return sum(each[number] for number in same) - sum(each)

    forward = {s.block: s for s in step.sections if s.phase == "forward"}
    backward = {s.block: s for s in step.sections if s.phase == "backward"}
    found: list[Section] = []
    for section in step.sections:
        if section.block >= 0:
            turn = {"forward": forward, "backward": backward}[section.phase]
            order = same if section.phase == "forward" else same[::-1]
            found += [turn[number] for number in order] if section.block == order[0] else []
            continue
        most = more(step.held) if section.phase == "begin" else 8 * more(step.tensors) * (section.phase == "clip")
        leaves = more(step.held) if section.phase == "begin" else -more(step.freed.get(section.phase, ()) or [0] * traced)
        found.append(section._replace(most=section.most + most, leaves=section.leaves + leaves))
    return found


def _highest(sections: Sequence[Section]) -> int:
    live = most = 0
    for section in sections:
        most = max(most, live + section.most)
        live += section.leaves
    return most
