"""Trainings that fail, one by one and all of them: what is recorded, what is said, and how to look it up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixnas.cli.main import main
from mixnas.environment import kernel_oom_kills
from mixnas.search.executors import Done, ProcessExecutor
from mixnas.store import Store
from tests.search.test_executors import gather, job

SEARCH = ("search", "--space", "splitmixer", "--trials", "12", "--epochs", "2", "--plain")


def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command, in this process."""
    monkeypatch.setattr(sys, "argv", ["mixnas", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.parametrize("backend", ["inline", "processes"])
@pytest.mark.parametrize(
    ("evaluator", "said"),
    [
        ("failing", "exception: RuntimeError: no such luck"),
        ("nothing_measured", "non_finite_value: acc missing or not finite"),
        ("leaving", "exception: SystemExit: 4"),
        ("not_a_measurement", "exception: TypeError: the evaluator has to return a Measurement, not int"),
        ("not_a_number", "exception: TypeError: the evaluator's metric 'acc' is a str, not a number"),
        (
            "unheard_of",
            "exception: ValueError: the evaluator's outcome is 'great', not one of finished, paused, failed",
        ),
        ("hungry", "out_of_memory: MemoryError"),
    ],
)
def test_a_search_in_which_every_trial_fails_stops_early(
    backend: str,
    evaluator: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"probe_evaluators:{evaluator}"
    flags = ("--evaluator", name, "--backend", backend, "--workers", "1", "--study", "s")
    code, out, err = typed(monkeypatch, capsys, *SEARCH, *flags)
    assert code == 1 and "Traceback" not in out + err
    assert out.count("\n") == 9 and out.count(f"failed: {said}\n") == 8
    assert err.startswith(f"error: the first 8 trials all failed; the last one with {said.partition(':')[0]}")
    assert "`mixnas studies trial s/7` shows all" in err
    code, out, err = typed(monkeypatch, capsys, "studies", "trial", "s/7")
    assert (code, err) == (0, "") and f"failed with   {said}\n" in out
    assert ("Traceback (most" in out) == said.startswith(("exception", "out_of_memory"))
    code, out, _ = typed(monkeypatch, capsys, "studies", "show", "s")
    assert f"failed with  {said.partition(':')[0]} 8\n" in out


def test_a_trial_can_be_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ("--evaluator", "probe_evaluators:suicidal", "--workers", "1", "--study", "s", "--sampler", "random")
    assert typed(monkeypatch, capsys, *SEARCH, *flags, "--trials", "4")[0] == 0
    code, out, _ = typed(monkeypatch, capsys, "studies", "trial", "1")
    assert code == 0 and "state         finished, 2 of 2 epochs" in out
    assert "go 1, from " in out and "go 2, from " in out and "values        acc 0." in out
    told = json.loads(typed(monkeypatch, capsys, "studies", "trial", "s/3", "--json")[1])
    assert (told["state"], told["reason"]) == ("failed", "lost_worker") and len(told["attempts"]) == 2
    code, out, err = typed(monkeypatch, capsys, "studies", "trial", "77")
    assert (code, out) == (2, "") and "its trials are numbered 0 to" in err
    code, out, err = typed(monkeypatch, capsys, "studies", "trial", "9" * 5000)
    assert (code, out) == (2, "") and "is no trial" in err and len(err) < 300


def test_control_characters_of_a_traceback_stay_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ("--evaluator", "probe_evaluators:colourful", "--backend", "inline", "--study", "s")
    code, out, err = typed(monkeypatch, capsys, *SEARCH, *flags)
    assert code == 1 and "\x1b" not in out + err
    assert "\x1b" not in typed(monkeypatch, capsys, "studies", "trial", "0")[1]
    with Store.open("sqlite:///mixnas.db") as store:
        assert "\x1b[31mred" in store.traceback("s", 0)


MEMORY_CGROUPS = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A control group of 300 MB that the evaluator `swelling` puts its process into."""
    group = (MEMORY_CGROUPS if MEMORY_CGROUPS.is_dir() else Path("/sys/fs/cgroup")) / f"mixnas-test-{os.getpid()}"
    limit = "memory.limit_in_bytes" if MEMORY_CGROUPS.is_dir() else "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(300 << 20))
    except OSError as error:
        pytest.skip(f"no control group with a memory limit can be made here: {error}")
    monkeypatch.setenv("MIXNAS_TEST_CGROUP", str(group))
    yield
    group.rmdir()


def test_a_worker_that_the_kernel_kills_for_want_of_memory_has_run_out_of_it(small_memory: None) -> None:
    before = kernel_oom_kills()
    executor = ProcessExecutor(1)
    executor.submit(job(0, "probe_evaluators:swelling"))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    assert kernel_oom_kills() > before
    assert (done.measurement.outcome, done.measurement.reason) == ("failed", "out_of_memory")
    assert done.measurement.detail == "worker process killed by the kernel, which had no memory left"
    executor.submit(job(1))  # the next trial is not the poorer for it
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    executor.stop()
    assert done.measurement.outcome == "finished"
