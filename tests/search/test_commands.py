"""`mixnas search` as a user types it: Ctrl-C, kill -9, a second run, and everything that can be typed wrongly."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

HERE = Path(__file__).parent
SEARCH = ["search", "--space", "splitmixer", "--objective", "acc,params", "--evaluator", "probe_evaluators:slow"]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mixnas", *arguments],
        cwd=folder,
        env=os.environ,  # conftest has put the probe evaluators on the path
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def mixnas(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_for_finished(folder: Path, wanted: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if (folder / "mixnas.db").exists():
            try:
                with sqlite3.connect(folder / "mixnas.db") as db:
                    (n,) = db.execute("select count(*) from mixnas_trials where state = 'finished'").fetchone()
                if n >= wanted:
                    return
            except sqlite3.OperationalError:
                pass
        time.sleep(0.02)
    raise AssertionError("the search did not get going")


def studies(folder: Path) -> dict[str, Any]:
    code, out, err = mixnas(folder, "studies", "--json")
    assert code == 0, err
    (one,) = json.loads(out)
    return one


def check_whole(folder: Path, trials: int) -> None:
    """The asked number of finished trials, none twice, none left RUNNING on either side."""
    counts = studies(folder)
    assert (counts["finished"], counts["running"]) == (trials, 0)
    study = optuna.load_study(study_name=counts["name"], storage=f"sqlite:///{folder}/mixnas.db")
    states = [t.state.name for t in study.trials]
    assert states.count("COMPLETE") == trials and "RUNNING" not in states and "WAITING" not in states
    digests = [t.user_attrs["digest"] for t in study.trials if t.state.name == "COMPLETE"]
    assert len(set(digests)) == trials
    with sqlite3.connect(folder / "mixnas.db") as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


FLAGS = ("--trials", "12", "--epochs", "4", "--workers", "2")


def test_two_runs_and_the_commands_after(tmp_path: Path) -> None:
    code, out, err = mixnas(tmp_path, *SEARCH, "--trials", "5", "--epochs", "2")
    assert code == 0, err
    assert "Pareto front" in out and "5 of 5 trials finished in" in out and "mixnas export" in out
    code, out, err = mixnas(tmp_path, *SEARCH, "--trials", "8", "--epochs", "2")
    assert code == 0, err
    assert "5 finished before" in out
    code, out, err = mixnas(tmp_path, *SEARCH, "--trials", "8", "--epochs", "2")
    assert code == 0 and "8 of 8 trials were finished before" in out
    check_whole(tmp_path, 8)
    code, out, err = mixnas(tmp_path, "pareto", "--json")
    assert code == 0, err
    study = optuna.load_study(study_name=studies(tmp_path)["name"], storage=f"sqlite:///{tmp_path}/mixnas.db")
    front = json.loads(out)
    assert {p["trial"] for p in front} == {t.number for t in study.best_trials}
    assert all({"trial", "digest", "config", "values"} <= p.keys() for p in front)


@pytest.mark.parametrize(
    "executor", ["processes", "inline", pytest.param("ray", marks=(pytest.mark.slow, pytest.mark.ray))]
)
def test_ctrl_c_once_lets_running_trials_finish(tmp_path: Path, executor: str) -> None:
    process = start(tmp_path, *SEARCH, *FLAGS, "--executor", executor)
    wait_for_finished(tmp_path, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err, err
    assert "interrupted: " in out and "The same command goes on." in out
    assert "Ctrl-C again stops now" in out or executor == "inline"
    counts = studies(tmp_path)
    assert counts["running"] == 0 and 2 <= counts["finished"] < 12
    assert mixnas(tmp_path, *SEARCH, *FLAGS)[0] == 0
    check_whole(tmp_path, 12)


@pytest.mark.parametrize("signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,), (signal.SIGKILL,)])
def test_stopped_at_once_or_killed_it_goes_on(tmp_path: Path, signals: tuple[signal.Signals, ...]) -> None:
    process = start(tmp_path, *SEARCH, *FLAGS)
    wait_for_finished(tmp_path, 2)
    for one in signals:
        process.send_signal(one)
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-9 if signals[0] == signal.SIGKILL else 1)
    assert "Traceback" not in err, err
    code, _, err = mixnas(tmp_path, *SEARCH, *FLAGS)
    assert code == 0, err
    check_whole(tmp_path, 12)


def test_ctrl_c_while_it_gets_ready_is_no_traceback(tmp_path: Path) -> None:
    process = start(tmp_path, *SEARCH, *FLAGS)
    end = time.monotonic() + 60
    while not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text():
        assert time.monotonic() < end, "no worker was started"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err, err
    assert mixnas(tmp_path, *SEARCH, *FLAGS)[0] == 0
    check_whole(tmp_path, 12)


def test_workers_end_with_a_killed_driver(tmp_path: Path) -> None:
    process = start(tmp_path, *SEARCH, *FLAGS)
    wait_for_finished(tmp_path, 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while any(_runs(pid) for pid in children):
        assert time.monotonic() < end, "workers outlived their driver"
        time.sleep(0.05)


def _runs(pid: str) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_second_search_of_a_study_says_so_and_helps(tmp_path: Path) -> None:
    flags = ("--trials", "30", "--epochs", "6", "--workers", "1")
    process = start(tmp_path, *SEARCH, *flags)
    wait_for_finished(tmp_path, 1)
    code, out, _ = mixnas(tmp_path, *SEARCH, *flags)
    assert code == process.wait(timeout=60) == 0
    assert "1 other search is at work on it" in out and "30 of 30 trials" in out
    check_whole(tmp_path, 30)


def test_a_search_in_which_nothing_finishes_any_more_gives_up(tmp_path: Path) -> None:
    code, _, err = mixnas(tmp_path, *SEARCH[:-1], "probe_evaluators:gone", "--executor", "inline", "--trials", "40")
    assert code == 1 and studies(tmp_path)["finished"] == 3
    assert "the last 24 trials all failed" in err and "the data are gone" in err and "Traceback" not in err


def test_a_search_in_which_all_fails_gives_up(tmp_path: Path) -> None:
    code, _, err = mixnas(tmp_path, *SEARCH[:-1], "probe_evaluators:failing", "--executor", "inline")
    assert code == 1
    assert "the first 8 trials all failed" in err and "no such luck" in err and "Traceback" not in err


BAD = {
    "space": (["--space", "splitmxer"], "unknown space 'splitmxer'", "did you mean 'splitmixer'"),
    "objective": (["--objective", "acc,parms"], "unknown objective 'parms'", "params"),
    "no objective": (["--objective", ""], "objective", "acc,params"),
    "twice": (["--objective", "macs,flops"], "given twice", "same"),
    "dataset": (["--dataset", "digit"], "unknown data set 'digit'", "digits"),
    "axis": (["--constraint", "widht <= 32"], "widht", "width"),
    "syntax": (["--constraint", "params <= "], "params <= ", ""),
    "learned": (["--constraint", "acc >= 0.9"], "known only after training", "--best"),
    "contradiction": (["--constraint", "width > 64", "--constraint", "width < 32"], "width > 64", "width < 32"),
    "tight": (["--constraint", "params <= 10"], "params <= 10", "in this space params"),
    "trials": (["--trials", "0"], "--trials 0", "at least 1"),
    "epochs": (["--epochs", "0"], "--epochs 0", "at least 1"),
    "sampler": (["--sampler", "tpee"], "unknown sampler 'tpee'", "tpe"),
    "executor": (["--executor", "rai"], "unknown executor 'rai'", "processes"),
    "recipe": (["--recipe", "large"], "unknown recipe 'large'", "small"),
    "lr": (["--lr", "-1"], "lr=-1", ""),
    "evaluator": (["--evaluator", "nosuch:thing"], "nosuch", ""),
    "folder": (["--storage", "sqlite:////nosuch/folder/x.db"], "/nosuch/folder", ""),
    "scheme": (["--storage", "mixnas.db"], "mixnas.db", "sqlite:///"),
    "flag": (["--spce", "splitmixer"], "--spce", ""),
    "number": (["--trials", "many"], "--trials", "integer"),
    "study file": (["nosuch_study"], "unknown study 'nosuch_study'", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_a_clear_message_and_writes_nothing(tmp_path: Path, case: str) -> None:
    flags, message, way_out = BAD[case]
    code, out, err = mixnas(tmp_path, *SEARCH[:-1], "toy", "--executor", "inline", *flags)
    assert code == 2, (out, err)
    assert message in err and way_out in err, err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_broken_space_file_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("from mixnas.space import SearchSpace\n\nspace = SearchSpace('x', nosuch\n")
    code, _, err = mixnas(tmp_path, "search", "--space", "broken.py", "--objective", "acc,params")
    assert code == 2 and "broken.py" in err and "line 3" in err and "Traceback" not in err


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mixnas.db") as db:
        db.execute("create table customers (id integer)")
    before = (tmp_path / "mixnas.db").read_bytes()
    code, _, err = mixnas(tmp_path, *SEARCH[:-1], "toy", "--executor", "inline")
    assert code == 2 and "customers" in err
    assert (tmp_path / "mixnas.db").read_bytes() == before


def test_the_same_name_with_other_flags_is_refused(tmp_path: Path) -> None:
    common = [*SEARCH[:-1], "toy", "--executor", "inline", "--trials", "2", "--study", "mine"]
    assert mixnas(tmp_path, *common, "--epochs", "2")[0] == 0
    code, _, err = mixnas(tmp_path, *common, "--epochs", "3")
    assert code == 2 and "epochs: stored 2, asked 3" in err and "--study" in err


def test_objectives_that_auto_cannot_weigh_are_left_to_tpe_and_said_so(tmp_path: Path) -> None:
    plain = ["search", "--space", "splitmixer", "--evaluator", "toy", "--trials", "3", "--plain", "--backend", "inline"]
    code, _, err = mixnas(tmp_path, *plain, "--objective", "acc,error,params")
    assert code == 0 and "sampler auto: 2 objectives are known only after training (acc, error)" in err
    assert "tpe proposes instead" in err
    code, _, err = mixnas(tmp_path, *plain, "--objective", "acc,params")
    assert code == 0 and "sampler auto" not in err
