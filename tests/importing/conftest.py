"""Checkpoints of the published code, made from the golden files, and the command as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mixnas.cli import main as command

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.npz"))


@dataclass(frozen=True)
class Golden:
    config: dict[str, Any]
    state: dict[str, torch.Tensor]
    values: dict[str, np.ndarray]


def golden(name: str) -> Golden:
    with np.load(GOLDEN / f"{name}.npz") as file:
        values = {key: file[key] for key in file.files}
    state = {key.removeprefix("state/"): torch.from_numpy(values[key]) for key in values if key.startswith("state/")}
    return Golden(json.loads(str(values["config"])), state, values)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `mixnas import ...` in an empty folder; any traceback fails the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["mixnas", "import", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            command.main()
        printed = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def refuse(run: Run, tmp_path: Path) -> Callable[..., str]:
    """Runs the command, which must refuse with exit code 2 and a way out, and write nothing; gives the message."""

    def refuse(*arguments: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        outcome = run(*arguments, "-o", "model.yaml")
        assert outcome.code == 2, outcome
        assert outcome.out == ""
        assert outcome.err.startswith("error: "), outcome.err
        assert "Traceback" not in outcome.err
        assert sorted(tmp_path.rglob("*")) == before
        return outcome.err

    return refuse
