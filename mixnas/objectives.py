"""What a search can optimise: one record per objective, in one table.

An objective is `exact` (known from the config before any training), `learned` (only training tells; the reason for
searching) or `timed` (measured while training, differs from machine to machine).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mixnas.errors import UnknownName, UsageError

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Objective:
    """One objective: its name, which way is better, its unit, and where its value comes from."""

    name: str
    direction: Direction
    unit: str
    kind: Literal["exact", "learned", "timed"]
    summary: str
    task: str | None = None
    """The only task that it exists for, or None for all."""

    @property
    def sign(self) -> int:
        """-1 for objectives to maximise, so that `sign * value` is always to be minimised."""
        return -1 if self.direction == "maximize" else 1


_TABLE = (
    Objective("acc", "maximize", "fraction", "learned", "validation accuracy", "classification"),
    Objective("error", "minimize", "fraction", "learned", "1 - validation accuracy", "classification"),
    Objective("miou", "maximize", "fraction", "learned", "validation mean intersection over union", "segmentation"),
    Objective("pixel_acc", "maximize", "fraction", "learned", "validation accuracy of pixels", "segmentation"),
    Objective("psnr", "maximize", "dB", "learned", "validation peak signal-to-noise ratio", "super_resolution"),
    Objective("ssim", "maximize", "fraction", "learned", "validation structural similarity", "super_resolution"),
    Objective("params", "minimize", "", "exact", "trainable parameters"),
    Objective("macs", "minimize", "", "exact", "multiply-accumulates of one forward pass of one image"),
    Objective(
        "memory", "minimize", "B", "exact", "peak bytes of one training step, at the recipe's batch and precision"
    ),
    Objective("inference_memory", "minimize", "B", "exact", "peak bytes of one forward pass of a batch"),
    Objective("latency", "minimize", "ms", "timed", "median time of a forward pass of one image"),
    Objective("throughput", "maximize", "images/s", "timed", "images a second in forward passes of a batch"),
    Objective("train_seconds", "minimize", "s", "timed", "seconds of training, validation left out"),
)

OBJECTIVES: dict[str, Objective] = {objective.name: objective for objective in _TABLE}

TIMED: dict[str, str] = {"latency": "latency[b1-eager-1t]", "throughput": "throughput[b64-eager-1t]"}
"""Objectives measured on the built model when its training is over, and what the store calls them then: the batch size,
how the model runs, and the threads."""

ALIASES: dict[str, str] = {"flops": "macs", "accuracy": "acc", "parameters": "params"}
"""Other names in use. `flops` means multiply-accumulates here, as in fvcore and in both papers."""


def objective(name: str) -> Objective:
    """The objective of that name or alias.

    Raises:
        UnknownName: there is none; the error lists all.
    """
    key = ALIASES.get(name.strip(), name.strip())
    if key not in OBJECTIVES:
        raise UnknownName("objective", name.strip(), [*OBJECTIVES, *ALIASES])
    return OBJECTIVES[key]


def default_objectives(task: str) -> tuple[str, ...]:
    """The main metric of a task and the number of parameters."""
    return (next(o.name for o in _TABLE if o.task == task), "params")


def parse_objectives(text: str, task: str | None = None) -> tuple[Objective, ...]:
    """Reads `"acc,params"`; aliases are resolved.

    Raises:
        UnknownName: a name is in no table.
        UsageError: none is given, one is given twice, or one does not exist for the task.
    """
    chosen = [objective(part) for part in text.split(",") if part.strip()]
    if not chosen:
        example = ",".join(default_objectives(task or "classification"))
        raise UsageError("--objective is empty", hint=f"for example --objective {example}")
    names = [o.name for o in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"objective {name!r} is given twice in {text!r}", hint="flops and macs are the same; name each once"
            )
    for o in chosen:
        if task and o.task and o.task != task:
            fits = [x.name for x in _TABLE if x.task in (None, task)]
            raise UsageError(
                f"objective {o.name!r} is for {o.task}, the task is {task}", hint=f"that fit: {', '.join(fits)}"
            )
    return tuple(chosen)
