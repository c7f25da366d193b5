"""What can measure a job, in one table. Torch-free: an evaluator's module is loaded when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TypeAlias

from mixnas.errors import UnknownName, UsageError
from mixnas.records import EpochRecord, Job, Measurement

Report: TypeAlias = Callable[[EpochRecord], None]
"""Called after each epoch. Whatever it raises ends the training and passes through to the caller."""

Evaluator: TypeAlias = Callable[[Job, Report], Measurement]

EVALUATORS: dict[str, str] = {
    "train": "mixnas.evaluator:evaluate",
    "toy": "mixnas.toy:evaluate",
}
"""Name to `package.module:function`."""


def load_evaluator(name: str) -> Evaluator:
    """The evaluator of a name in the table, or of `package.module:function`.

    Raises:
        UnknownName: the name is in no table.
        UsageError: the module cannot be imported, or has no such function.
    """
    if ":" not in name and name not in EVALUATORS:
        raise UnknownName("evaluator", name, [*EVALUATORS, "package.module:function"])
    target = EVALUATORS.get(name, name)
    module, _, function = target.partition(":")
    try:
        found: Evaluator = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"evaluator {name!r}: {error}", hint="write it as package.module:function") from error
    return found
