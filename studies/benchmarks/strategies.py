"""Who takes part. A new strategy is one line in `STRATEGIES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mixnas.search.auto import AutoOptions, AutoProposer
from mixnas.search.proposers import SAMPLERS
from mixnas.search.rungs import early_stopping
from studies.benchmarks.arena import Arena, Run, drive
from studies.benchmarks.fidelities import curves_learned, freeze_and_thaw
from studies.benchmarks.plain_optuna import plain_optuna

Strategy = Callable[[Arena, int], Run]
"""Runs one repetition on a table."""

PEER = "plain Optuna"
RANDOM = "random"


def auto(repeats: bool = False, **options: Any) -> Strategy:
    """Our default strategy, whole or with something switched off."""

    def run(arena: Arena, repetition: int) -> Run:
        return drive(arena, repetition, lambda s: AutoProposer(s, AutoOptions(**options)), repeats=repeats)

    return run


def ours(sampler: str, stopping: str = "none") -> Strategy:
    """A sampler of ours by its name, with the early stopping of that name and its defaults."""

    def run(arena: Arena, repetition: int) -> Run:
        rules = early_stopping(stopping, arena.table.header.epochs, len(arena.table.candidates))
        return drive(arena, repetition, SAMPLERS[sampler].make, early_stopping=rules)

    return run


STRATEGIES: dict[str, Strategy] = {
    PEER: plain_optuna,
    RANDOM: ours("random"),
    "nsga2": ours("nsga2"),
    "nsga3": ours("nsga3"),
    "evolution": ours("evolution"),
    "tpe": ours("tpe"),
    "random + mo-asha": ours("random", "mo-asha"),
    "auto": auto(),
    "auto + mo-asha": ours("auto", "mo-asha"),
    "auto + mo-asha with curves": curves_learned((1, 3)),
    "auto + mo-asha at 4 with curves": curves_learned((4,)),
    "auto with freeze and thaw": freeze_and_thaw((1, 3)),
    "auto with freeze and thaw at 6": freeze_and_thaw((6,)),
    "auto without exact costs": auto(exact_costs=False),
    "auto without division by time": auto(divide_by_time=False),
    "auto without published start": auto(published_start=False),
    "auto without de-duplication": auto(deduplicate=False, repeats=True),
}
"""Name to what runs one repetition. Other packages take part through `peers/`, in environments of their own."""
