"""Where the memory of a training step goes: by module and by kind, at the moment when the most lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mixnas.cost.memory import Setup, inference_memory, trace
from mixnas.cost.trace import KINDS, Recorder
from mixnas.models import family as find_family
from mixnas.records import Candidate, Problem

_PHASES = {
    "begin": ("the beginning of the step",) * 2,
    "inputs": ("making the inputs",) * 2,
    "stem": ("forward", "forward of the stem"),
    "head": ("forward of what follows the blocks",) * 2,
    "loss": ("loss and backward", "loss and backward of what follows the blocks"),
    "stem backward": ("backward of the stem",) * 2,
    "clip": ("clipping",) * 2,
    "optimiser": ("the optimiser's step",) * 2,
}
"""What a phase covers in a model without blocks, and in one with them."""


@dataclass(frozen=True)
class Memory:
    """Bytes of one training step of one candidate, and of one forward pass in evaluation mode."""

    batch_size: int
    precision: str
    optimizer: str
    peak: int
    """The most that lives at once in a training step; `modules` and `kinds` each sum to it."""
    inference: int
    """The same for a forward pass of the same batch, in evaluation mode and without gradients."""
    moment: str
    """What is being done when the most lives: `backward of block 3`."""
    kinds: Mapping[str, int]
    """Bytes at the peak by what they are for (`mixnas.cost.trace.KINDS`); those that are there, largest first."""
    modules: Mapping[str, Mapping[str, int]]
    """The same for each module by its dotted name, without what is in the modules below it; `""` is the step itself:
    the images, the loss, the optimiser's temporaries."""
    saved: Mapping[str, int]
    """Bytes that each module's forward pass leaves for the backward pass, without the modules below it."""

    def of(self, path: str) -> tuple[int, dict[str, int]]:
        """What a module and those below it save for the backward pass, and their bytes at the peak by kind."""
        kinds: dict[str, int] = {}
        for module, inside in self.modules.items():
            if _within(module, path):
                for kind, size in inside.items():
                    kinds[kind] = kinds.get(kind, 0) + size
        return sum(size for module, size in self.saved.items() if _within(module, path)), kinds


def breakdown(family: str, axes: Candidate, problem: Problem, setup: Setup) -> Memory:
    """Traces a step of this very model on fake tensors; takes some tens of milliseconds a block.

    Raises:
        UnknownName: there is no such family.
        ConfigError: the axes and the problem make no model.
    """
    recorder = trace(find_family(family), axes, problem, setup, modules=True)
    sizes = [storage.size({}) for storage in recorder.storages]
    event, peak = _highest(recorder, sizes)
    modules: dict[str, dict[str, int]] = {}
    kinds = dict.fromkeys(KINDS, 0)
    for number in _alive(recorder, event):
        storage = recorder.storages[number]
        inside = modules.setdefault(storage.module, {})
        inside[storage.kind] = inside.get(storage.kind, 0) + sizes[number]
        kinds[storage.kind] += sizes[number]
    return Memory(
        setup.batch_size,
        setup.precision,
        setup.optimizer,
        peak,
        inference_memory(family, axes, problem, setup),
        _moment(recorder, event),
        {kind: size for kind, size in sorted(kinds.items(), key=lambda item: -item[1]) if size},
        modules,
        _saved(recorder, sizes),
    )


def _within(module: str, path: str) -> bool:
    return path in ("", module) or module.startswith(f"{path}.")


def _highest(recorder: Recorder, sizes: list[int]) -> tuple[int, int]:
    """The event after which the most lives, and how much that is."""
    live = most = at = 0
    for place, (number, sign) in enumerate(recorder.events):
        live += sign * sizes[number]
        if live > most:
            most, at = live, place
    return at, most


def _alive(recorder: Recorder, event: int) -> list[int]:
    """The storages that live after an event."""
    alive: dict[int, None] = {}
    for number, sign in recorder.events[: event + 1]:
        if sign > 0:
            alive[number] = None
        else:
            del alive[number]
    return list(alive)


def _moment(recorder: Recorder, event: int) -> str:
    mark = [mark for mark in recorder.marks if mark.event <= event][-1]
    if mark.block >= 0:
        return f"{mark.phase} of block {mark.block + 1}"
    in_blocks = any(mark.block >= 0 for mark in recorder.marks)
    return _PHASES[mark.phase][in_blocks]


def _saved(recorder: Recorder, sizes: list[int]) -> dict[str, int]:
    """What lives of the forward pass when it is over."""
    over = next(mark.event for mark in recorder.marks if mark.phase == "loss")
    saved: dict[str, int] = {}
    for number in _alive(recorder, over - 1):
        storage = recorder.storages[number]
        if storage.kind == "activations":
            saved[storage.module] = saved.get(storage.module, 0) + sizes[number]
    return saved
