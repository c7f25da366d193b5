"""A study with known values in a real store, and the commands as a user runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from mixnas.cli.models import register
from mixnas.errors import MixnasError
from mixnas.models.families.splitmixer import FAMILY
from mixnas.recipe import RECIPES
from mixnas.records import Candidate, Fidelity, FrontPoint, Measurement, Problem
from mixnas.space import load_space
from mixnas.store import Store

PROBLEM = Problem.square(8, 1, 10)
SPACE = load_space("splitmixer").given(**PROBLEM.context())

TRIALS: list[tuple[int, float]] = [(16, 0.80), (24, 0.93), (32, 0.90), (48, 0.95), (64, 0.951)]
"""Width and accuracy; trial 2 is dominated, trial 1 is the knee."""


def axes(width: int) -> Candidate:
    return SPACE.canonical({**FAMILY.defaults, "width": width, "depth": 4})


def params(width: int) -> int:
    return int(FAMILY.params(axes(width), PROBLEM))


def fill(store: Store, study: str = "first") -> None:
    """A study of five finished trials and one that failed."""
    spec = {
        "objectives": ["acc", "params"],
        "dataset": "digits",
        "family": "splitmixer",
        "problem": PROBLEM.key(),
        "split_seed": 0,
        "recipe": RECIPES["small"].to_dict(),
    }
    store.create_study(study, spec, SPACE.to_json(), {})
    for number, (width, accuracy) in enumerate([*TRIALS, (96, 0.0)]):
        candidate = axes(width)
        exact = {"params": params(width), "macs": float(FAMILY.macs(candidate, PROBLEM))}
        store.start_trial(
            study, number, SPACE.digest(candidate), "splitmixer", candidate, Fidelity(8, 0),
            problem_key=PROBLEM.key(), costs=exact, source="random", owner="test", lease_seconds=60,
        )  # fmt: skip
        if width == 96:
            failed = Measurement("failed", reason="exception", detail="ValueError: no")
            store.finish_trial(study, number, 1, failed, {}, None)
            continue
        values = {"acc": accuracy, "params": float(params(width))}
        point = FrontPoint(number, number + 1, 0.5, (number,))
        store.finish_trial(study, number, 1, Measurement("finished", {"acc": accuracy}), values, point)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def storage() -> str:
    """The default database in the current folder, with one study."""
    with Store.open("sqlite:///mixnas.db", create=True) as store:
        fill(store)
    return "sqlite:///mixnas.db"


@pytest.fixture
def mixnas() -> Callable[..., Result]:
    """Runs a command; what it raises on purpose comes out."""
    app = typer.Typer()
    register(app)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, MixnasError | KeyboardInterrupt):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run
