"""Building a table: every training once, whatever interrupts it, and nothing of another plan in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.errors import ConfigError, UsageError
from mixnas.records import Fidelity, Job
from mixnas.search.executors import InlineExecutor, Sink
from mixnas.table import read_table
from mixnas.table.build import Plan, Trainings, finish, open_journal, train_all
from mixnas.table.journal import Journal
from mixnas.table.replay import replay
from mixnas.toy import evaluate
from tests.table.conftest import built, toy_plan, write_space


class Interrupted(InlineExecutor):
    """Ctrl-C comes after so many trainings."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def wait(self, sink: Sink, timeout: float) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        super().wait(sink, timeout)


class Counting(InlineExecutor):
    """Remembers what it trained."""

    def __init__(self) -> None:
        super().__init__()
        self.trained: list[Job] = []

    def submit(self, job: Job) -> None:
        self.trained.append(job)
        super().submit(job)


def test_every_candidate_is_trained_with_every_seed(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    table = built(toy_plan(tmp_path), tmp_path / "t.npz", lambda done, total: told.append((done, total)))
    assert told[0] == (0, 8) and told[-1] == (8, 8)
    assert len(table.candidates) == 4 and table.header.seeds == (0, 1) and table.finished.all()
    assert table.header.cpu_seconds == pytest.approx(float(table.seconds.sum()))


def test_an_interrupted_build_goes_on_and_gives_the_same_table(tmp_path: Path) -> None:
    trainings, output = Trainings.of(toy_plan(tmp_path)), tmp_path / "t.npz"
    with pytest.raises(KeyboardInterrupt):
        train_all(trainings, open_journal(trainings, output), Interrupted(3), lambda done, total: None)
    part = tmp_path / "t.npz.part.jsonl"
    assert len(part.read_text().splitlines()) == 3
    with part.open("a") as file:
        file.write('{"axes": {"width": 8, "dep')  # a kill in the middle of a line
    again, journal = Counting(), open_journal(trainings, output)
    train_all(trainings, journal, again, lambda done, total: None)
    assert len(again.trained) == 5
    table = finish(trainings, journal, output)
    other = tmp_path / "other"
    other.mkdir()
    assert (table.metrics == built(toy_plan(other), other / "t.npz").metrics).all()


def test_more_seeds_go_on_with_the_journal(tmp_path: Path) -> None:
    built(toy_plan(tmp_path, seeds=1), tmp_path / "t.npz")
    trainings, executor = Trainings.of(toy_plan(tmp_path, seeds=2)), Counting()
    train_all(trainings, open_journal(trainings, tmp_path / "t.npz"), executor, lambda done, total: None)
    assert {job.fidelity.seed for job in executor.trained} == {1} and len(executor.trained) == 4


def test_a_journal_of_another_plan_is_not_mixed_in(tmp_path: Path) -> None:
    built(toy_plan(tmp_path), tmp_path / "t.npz")
    with pytest.raises(ConfigError, match="was begun with split_seed 0, asked is 7"):
        open_journal(Trainings.of(toy_plan(tmp_path, split_seed=7)), tmp_path / "t.npz")
    (tmp_path / "t.npz.part.settings.json").unlink()
    with pytest.raises(ConfigError, match="line 1: a training of 3 epochs, this table is to have 5") as caught:
        open_journal(Trainings.of(toy_plan(tmp_path, epochs=5)), tmp_path / "t.npz")
    assert "--epochs 3" in caught.value.hint


def test_a_line_that_is_no_training_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.npz.part.jsonl").write_text('{"axes": {}}\n')
    with pytest.raises(ConfigError, match=r"t.npz.part.jsonl, line 1: no record of a training"):
        open_journal(Trainings.of(toy_plan(tmp_path)), tmp_path / "t.npz")


def test_a_failed_training_is_kept_with_the_epochs_it_reached(tmp_path: Path) -> None:
    trainings, output = Trainings.of(toy_plan(tmp_path, seeds=1)), tmp_path / "t.npz"
    journal = open_journal(trainings, output)
    train_all(trainings, journal, InlineExecutor(), lambda done, total: None)
    entry = journal.entry(trainings.candidates[2], 0)
    entry["outcome"], entry["curve"] = "failed", entry["curve"][:1]
    table = finish(trainings, journal, output)
    job = next(j for j in trainings.jobs() if j.axes == trainings.candidates[2])
    found = replay(read_table(output), job, lambda record: None)
    assert not table.finished[2, 0]
    assert (found.outcome, found.reason, len(found.curve)) == ("failed", "exception", 1)


def test_cpu_seconds_replace_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    from mixnas.table import cpu_time

    times = iter([10.0, 12.0, 15.0])
    monkeypatch.setattr(cpu_time.time, "process_time", lambda: next(times))
    monkeypatch.setattr(cpu_time, "load_evaluator", lambda name: evaluate)
    job = Job("t", 0, 1, "splitmixer", {"width": 8}, problem(), "digits", Fidelity(2, 0))
    assert [record.seconds for record in cpu_time.evaluate(job, lambda record: None).curve] == [2.0, 3.0]


def problem():
    from mixnas.records import Problem

    return Problem.square(8, 1, 10)


def test_a_space_too_large_to_train_is_refused() -> None:
    with pytest.raises(UsageError, match="candidates, more than 20,000 to train"):
        Trainings.of(Plan("splitmixer"))


def test_the_command_builds_then_finds_nothing_left(tmp_path: Path) -> None:
    output, space = tmp_path / "t.npz", write_space(tmp_path)
    command = ["table", "build", space, "-o", str(output), "--epochs", "2", "--evaluator", "toy", "--workers", "1"]
    first = CliRunner().invoke(build_app(), [*command, "--limit", "2"])
    assert first.exit_code == 0 and "2 candidates of tiny x 2 seeds x 2 epochs" in first.output
    assert "A sample of its space" in first.output
    second = CliRunner().invoke(build_app(), [*command, "--limit", "2"])
    assert "every training is in the journal already" in second.output
    shown = CliRunner().invoke(build_app(), ["table", "show", str(output), "--json"])
    facts = json.loads(shown.output)
    assert (facts["candidates"], facts["whole"], facts["seeds"]) == (2, False, [0, 1])
    assert "a sample" in CliRunner().invoke(build_app(), ["table", "show", str(output)]).output


def test_the_list_names_broken_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies" / "tables").mkdir(parents=True)
    (tmp_path / "studies" / "tables" / "bad.npz").write_bytes(b"PK")
    out = CliRunner().invoke(build_app(), ["table", "list"]).output
    assert "broken: studies/tables/bad.npz: no mixnas table" in out and "splitmixer-digits" in out


def test_a_journal_that_nests_without_an_end_is_none(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"[" * 100_000 + b"\n")
    with pytest.raises(ConfigError, match="line 1: no record of a training"):
        Journal.open(tmp_path / "j", "splitmixer", 2)
