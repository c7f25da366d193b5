"""Peak memory of a model before anybody trains it, predicted on fake tensors.

`training_memory` is the largest number of bytes that live at once in one training step (forward, loss, backward,
clipping, AdamW, gradients set to None) from the second step on; `inference_memory` the same for a forward pass. The
data set is left out. Nothing is allocated: a candidate that would need 1 TiB is costed as fast as a small one.

A trace of a step takes some tens of milliseconds a block. Two things save traces, both exactly (tests compare):

    depth   blocks are of a few kinds (`Family.kind`), so what a block takes, leaves and gives back is read from a
            shallow trace and repeated; stem, blocks, head, loss and optimiser follow each other as in the step
    sizes   a family may have a `probe`: a candidate of the same structure whose sizes are large primes. Each size in
            its trace is then known for what it is (images, width, segment, ...), and one trace serves every candidate
            of that structure by putting in the real sizes
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
    probe = family.probe(axes, problem, setup.batch_size) if family.probe else None
    if probe is not None and (step := _scaled(family, probe, _kinds(family, axes, depth), setup, training)):
        return _highest(step)
    return _highest(_unscaled(family, axes, problem, _kinds(family, axes, depth), setup, training))


def _kinds(family: Family, axes: Candidate, depth: int) -> tuple[int, ...]:
    if family.kind is None:
        return ()
    deep: Candidate = {**axes, "depth": depth}
    return tuple(family.kind(deep, block) for block in range(depth))


def _scaled(family: Family, probe: Probe, kinds: tuple[int, ...], setup: Setup, training: bool) -> list[Section] | None:
    """The step of a candidate from the trace of its probe; None where a size in that trace is of unknown meaning."""
    large = Setup(probe.batch_size, setup.precision, setup.clip, setup.optimizer)
    shallow = _shallow(family, probe.axes, kinds)
    if not shallow:
        return None
    recorder, found = _probed(family.name, _key({**probe.axes, "depth": len(shallow)}), probe.problem, large, training)
    known = {*probe.sizes, probe.problem.num_classes, probe.problem.in_channels}
    return _deepen(_step(recorder, probe.sizes), shallow, kinds) if found <= known else None


def _unscaled(
    family: Family, axes: Candidate, problem: Problem, kinds: tuple[int, ...], setup: Setup, training: bool
) -> Sequence[Section]:
    """The step of a candidate from a shallow trace of itself."""
    if not kinds:
        return _traced(family.name, _key(axes), problem, setup, training).sections
    shallow = _shallow(family, axes, kinds)
    step = _traced(family.name, _key({**axes, "depth": len(shallow)}), problem, setup, training)
    return _deepen(step, shallow, kinds)


def _shallow(family: Family, axes: Candidate, kinds: tuple[int, ...]) -> tuple[int, ...]:
    """Kinds of the blocks of the shallowest model with these axes that tells all: first and last blocks of the same
    kinds as in the deep one, and every kind between that the deep one has between. Empty where there is none."""
    for depth in range(min(len(kinds), 2), len(kinds) + 3):
        tried = _kinds(family, axes, depth)
        ends = len(kinds) > 1 and (tried[0], tried[-1]) == (kinds[0], kinds[-1])
        if tried == kinds or (ends and set(kinds[1:-1]) <= set(tried[1:-1])):
            return tried
    return ()


def _key(axes: Candidate) -> tuple[tuple[str, Value], ...]:
    return tuple(axes.items())


@lru_cache(maxsize=4000)
def _traced(name: str, axes: tuple[tuple[str, Value], ...], problem: Problem, setup: Setup, training: bool) -> Step:
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


def _deepen(step: Step, shallow: tuple[int, ...], kinds: tuple[int, ...]) -> list[Section]:
    """The sections of a deep model: each block between the first and the last is as one of its kind in the trace."""
    if shallow == kinds:
        return list(step.sections)
    traced = len(shallow)
    between = {kind: number for number, kind in enumerate(shallow[1:-1], start=1)}
    same = [0, *(between[kind] for kind in kinds[1:-1]), traced - 1]

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
        leaves = (
            more(step.held) if section.phase == "begin" else -more(step.freed.get(section.phase, ()) or [0] * traced)
        )
        found.append(section._replace(most=section.most + most, leaves=section.leaves + leaves))
    return found


def _highest(sections: Sequence[Section]) -> int:
    live = most = 0
    for section in sections:
        most = max(most, live + section.most)
        live += section.leaves
    return most
