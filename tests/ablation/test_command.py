"""`mixnas ablate` as a user types it: one command, a second run, Ctrl-C, and everything that can be typed wrongly."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mixnas.cli.main import main
from tests.ablation.conftest import trained

Typed = Callable[..., tuple[int, str, str]]
PROBES = Path(__file__).parents[1] / "search"
BASE = ["ablate", "splitmixer-I-256/8", "--set", "width=16,depth=2"]
TOY = ["--evaluator", "toy", "--executor", "inline", "--epochs", "2"]
CUBE = [*BASE, "--vary", "spatial,channel=overlap,dense", "--vary", "kernel_size=3,5", "--design", "factorial"]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mixnas", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROBES)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def mixnas(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs a command in this process: its exit code, and what it says on both streams."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["mixnas", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        try:
            main()
            code: int | str | None = 0
        except SystemExit as ended:
            code = ended.code
        return (int(code or 0), *capsys.readouterr())

    return run


def test_a_2_to_the_3_factorial_from_one_command(tmp_path: Path) -> None:
    code, out, err = mixnas(tmp_path, *CUBE, *TOY, "--seeds", "2", "--output", "report")
    assert code == 0, err
    assert "8 arms with seeds 0 to 1" in out
    assert "Main effects and interactions" in out
    assert {p.name for p in (tmp_path / "report").iterdir()} == {
        "report.md", "report.tex", "report.html", "report.json", "arms.csv", "runs.csv",
    }  # fmt: skip
    code, out, err = mixnas(tmp_path, *CUBE, *TOY, "--seeds", "2", "--format", "csv")
    assert code == 0, err
    assert len(list(csv.DictReader(io.StringIO(out)))) == 8, "nothing but the report on standard output"
    assert "16 runs, 16 of them in the study already" in err
    assert trained(f"sqlite:///{tmp_path}/mixnas.db", "splitmixer-I-256-8-digits-ablation") == 16


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_of_a_2_to_the_3_factorial_compiles(tmp_path: Path, typed: Typed) -> None:
    code, _, err = typed(*CUBE, *TOY, "--seeds", "2", "--output", "report")
    assert code == 0, err
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path / "report", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_page_of_a_2_to_the_3_factorial_draws_every_figure(tmp_path: Path, typed: Typed) -> None:
    code, _, err = typed(*CUBE, *TOY, "--seeds", "2", "--output", "report")
    assert code == 0, err
    page = (tmp_path / "report" / "report.html").as_uri()
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    drawn = subprocess.run([*browser, page], capture_output=True, text=True, timeout=120).stdout
    titles = re.findall(r'class="gtitle"[^>]*>([^<]+)', drawn)
    assert [title.split(",")[0] for title in titles] == [
        "Differences to the base", "Effects and interactions", "Interactions", "What each arm costs", "Learning curves",
    ]  # fmt: skip


def test_a_dry_run_shows_and_writes_nothing(tmp_path: Path, typed: Typed) -> None:
    code, out, err = typed(*CUBE, *TOY, "--dry-run")
    assert code == 0, err
    assert "40 runs" in out
    assert "spatial=depthwise, channel=dense, kernel_size=3" in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_real_training_says_how_long_it_takes(typed: Typed) -> None:
    code, out, err = typed(*BASE, "--vary", "spatial", "--seeds", "2", "--dry-run")
    assert code == 0, err
    assert "multiply-accumulates (3 x MACs x images x epochs)" in out
    assert "timed now on one thread" in out


def test_a_study_file_at_a_scale(tmp_path: Path, typed: Typed) -> None:
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "mine.py").write_text(
        "from mixnas.ablation import AblationSpec, Scale\n"
        "study = AblationSpec(base='splitmixer-I-256/8', vary=('spatial',), question='Which is better?',\n"
        "    scales={'smoke': Scale('digits', epochs=1, seeds=2, changes={'width': 16, 'depth': 2})})\n"
    )
    code, out, err = typed("ablate", "mine", "--scale", "smoke", "--evaluator", "toy", "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    assert found["runs"] == {"wanted": 4, "finished": 4, "failed": 0}
    assert found["spec"]["name"] == "mine-smoke"
    _, listed, _ = typed("ablate", "--list")
    assert "Which is better?" in listed


def stopped(folder: Path, signum: signal.Signals, after: str, *arguments: str) -> tuple[int, str]:
    """Starts a command and sends it a signal once it has printed something: its exit code and what it said."""
    process = start(folder, *arguments)
    assert process.stdout
    while after not in process.stdout.readline():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signum)
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def test_after_kill_and_ctrl_c_the_same_command_goes_on(tmp_path: Path) -> None:
    slow = [*BASE, "--vary", "spatial", "--evaluator", "probe_evaluators:slow", "--workers", "1", "--seeds", "3"]
    slow += ["--epochs", "2"]
    assert stopped(tmp_path, signal.SIGKILL, "[1/6]", *slow)[0] == -signal.SIGKILL
    code, err = stopped(tmp_path, signal.SIGINT, "[3/6]", *slow)
    assert code == 1
    assert "the same command goes on" in err
    code, out, err = mixnas(tmp_path, *slow, "--format", "json")
    assert code == 0, err
    assert json.loads(out)["runs"]["finished"] == 6
    assert trained(f"sqlite:///{tmp_path}/mixnas.db", "splitmixer-I-256-8-digits-ablation") == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ablate"], "nothing to ablate"),
        (["ablate", "nonsense", "--vary", "spatial"], "unknown model"),
        (["ablate", "splitmixer-I-256/8", "--vary", "spatial"], "cannot be trained on digits"),
        ([*BASE], "nothing is varied"),
        ([*BASE, "--vary", "spatia"], "did you mean 'spatial'"),
        ([*BASE, "--vary", "spatial", "--design", "latin"], "unknown design"),
        ([*BASE, "--vary", "spatial", "--design", "fractional"], "there is no fraction of 1"),
        ([*BASE, "--vary", "spatial", "--seeds", "0"], "not a number of seeds"),
        ([*BASE, "--vary", "spatial", "--epochs", "0"], "not a number of epochs"),
        ([*BASE, "--vary", "spatial", "--workers", "-1"], "not a number of processes"),
        ([*BASE, "--vary", "spatial", "--format", "pdf"], "unknown format"),
        ([*BASE, "--vary", "spatial", "--output", "no/where"], "does not exist"),
        ([*BASE, "--vary", "spatial", "--set", "width"], "no change of an axis"),
        ([*BASE, "--vary", "spatial", "--set", "width=17"], "has no value '17'"),
        ([*BASE, "--vary", "spatial", "--evaluator", "toyy"], "unknown evaluator"),
        ([*BASE, "--vary", "spatial", "--evaluator", "toy", "--seeds", "1000"], "this takes long"),
        (["ablate", "splitmixer_digits", "--scale", "smoke"], "no AblationSpec"),
        (["search", "splitmixer_tricks"], "for an ablation: mixnas ablate splitmixer_tricks"),
        (["ablate", "splitmixer_tricks"], "several sizes"),
        (["ablate", "splitmixer_tricks", "--scale", "huge"], "unknown scale"),
        (["ablate", "--from-study", "nothing"], "no database|no file|does not exist|no such"),
    ],
)
def test_wrong_use_ends_with_a_way_out(tmp_path: Path, typed: Typed, arguments: list[str], words: str) -> None:
    code, out, err = typed(*arguments)
    assert code == 2, (out, err)
    assert "Traceback" not in err
    assert any(word in err for word in words.split("|")), err
    assert "hint: " in err
    assert not (tmp_path / "mixnas.db").exists()
