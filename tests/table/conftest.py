"""A small table of toy trainings: four candidates of a real family, two seeds, three epochs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mixnas.search.executors import InlineExecutor
from mixnas.table import Table
from mixnas.table.build import Plan, Trainings, finish, open_journal, train_all

SPACE = """
from mixnas.space import SearchSpace, choice
space = SearchSpace(
    "tiny", family="splitmixer", width=choice({widths}), depth=choice(2, 4), patch_size=choice(2),
    kernel_size=choice(3), spatial=choice("separable"), channel=choice("dense"),
)
"""


def write_space(folder: Path, widths: str = "8, 16", name: str = "tiny") -> str:
    path = folder / f"{name}.py"
    path.write_text(SPACE.format(widths=widths))
    return str(path)


def toy_plan(folder: Path, **changes: int) -> Plan:
    return Plan(write_space(folder), evaluator="toy", **{"epochs": 3, **changes})


def built(plan: Plan, output: Path, told: Callable[[int, int], None] = lambda done, total: None) -> Table:
    trainings = Trainings.of(plan)
    journal = open_journal(trainings, output)
    train_all(trainings, journal, InlineExecutor(), told)
    return finish(trainings, journal, output)


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.npz"
    built(toy_plan(tmp_path), path)
    return path
