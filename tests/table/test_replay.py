"""Searches on a table: the same curve as was trained, in parts if asked, and no question that it cannot answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mixnas.errors import UsageError
from mixnas.evaluators import load_evaluator
from mixnas.records import EpochRecord, Fidelity, Job
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.study import StudySpec
from mixnas.table import read_table
from mixnas.table.build import Trainings
from tests.table.conftest import toy_plan, write_space


@pytest.fixture
def job(tmp_path: Path, table_file: Path) -> Job:
    first = next(Trainings.of(toy_plan(tmp_path)).jobs())
    return replace(first, evaluator=f"table:{table_file}")


def replayed(job: Job) -> tuple[Any, list[EpochRecord]]:
    told: list[EpochRecord] = []
    return load_evaluator(job.evaluator)(job, told.append), told


def test_gives_the_curve_of_the_training_again(job: Job) -> None:
    trained = load_evaluator("toy")(replace(job, evaluator="toy"), lambda record: None)
    found, told = replayed(job)
    assert found.curve == trained.curve == tuple(told) and found.outcome == "finished"
    assert found.metrics["acc"] == trained.metrics["acc"]
    assert found.seconds == pytest.approx(trained.seconds)


def test_seeds_are_told_apart(job: Job) -> None:
    other, _ = replayed(replace(job, fidelity=Fidelity(3, 1)))
    assert other.curve != replayed(job)[0].curve
    with pytest.raises(UsageError, match="no training with seed 5") as caught:
        replayed(replace(job, fidelity=Fidelity(3, 5)))
    assert "0, 1" in caught.value.hint


def test_a_training_in_parts_is_the_whole_one(job: Job) -> None:
    whole, _ = replayed(job)
    first, told_first = replayed(replace(job, until=2))
    rest, told_rest = replayed(replace(job, after=2))
    assert (first.outcome, rest.outcome) == ("paused", "finished")
    assert first.curve == whole.curve[:2] and rest.curve == whole.curve
    assert [record.epoch for record in told_first + told_rest] == [1, 2, 3]
    assert first.seconds + rest.seconds == pytest.approx(whole.seconds)
    assert rest.metrics == whole.metrics
    assert replayed(replace(job, until=3))[0].outcome == "finished"


def spec(tmp_path: Path, table_file: Path, **changes: Any) -> StudySpec:
    space = changes.pop("space", None) or write_space(tmp_path)
    # The recipe of a plan is `small`, a study's default.
    return StudySpec(**{"space": space, "evaluator": f"table:{table_file}", "epochs": 3, "trials": 4, **changes})


@pytest.mark.parametrize("backend", ["virtual", "inline"])
def test_a_search_is_replayed_to_its_end(tmp_path: Path, table_file: Path, backend: str) -> None:
    with open_session(spec(tmp_path, table_file), f"sqlite:///{tmp_path}/s.db", executor=backend) as session:
        assert run(session.driver, session.executor) == "done"
        table = read_table(table_file)
        for trial in session.store.trials(session.spec.name):
            place = table.index(session.space.family, trial.axes)
            assert trial.values["acc"] == table.metrics[table.header.metrics.index("acc"), place, 0, -1]
            assert trial.seconds == pytest.approx(table.seconds[place, 0].sum())


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "epochs": ({"epochs": 2}, "epochs is 2, the table's trainings have 3", "--epochs 3"),
    "seed": ({"seed": 9}, "no training with seed 9", "0, 1"),
    "split seed": ({"split_seed": 1}, "split_seed is 1, the table's trainings have 0", "--split-seed 0"),
    "dataset": ({"dataset": "cifar10"}, "dataset is cifar10, the table's trainings have digits", "--dataset digits"),
    "table": ({"evaluator": "table:nowhere"}, "unknown table 'nowhere'", "splitmixer-digits"),
    "file": ({"evaluator": "table:no/where.npz"}, "no table file 'no/where.npz'", "mixnas table list"),
    "family": ({"space": "wavemix_small"}, "family is wavemix_lite, the table's trainings have splitmixer", "'tiny'"),
    "size": ({"space": "splitmixer_small"}, "has 360 candidates, the table 4", "'tiny'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_table_cannot_answer_is_refused_before_anything_is_written(
    tmp_path: Path, table_file: Path, case: str
) -> None:
    changes, message, hint = WRONG[case]
    with pytest.raises(UsageError, match=message) as caught:
        open_session(
            spec(tmp_path, table_file, **changes), f"sqlite:///{tmp_path}/s.db", executor="virtual"
        ).__enter__()
    assert hint in caught.value.hint and not (tmp_path / "s.db").exists()


def test_another_recipe_is_refused(tmp_path: Path, table_file: Path) -> None:
    from mixnas.recipe import Recipe

    with pytest.raises(UsageError, match=r"recipe lr is 0\.5, the table's trainings have 0\.02"):
        open_session(spec(tmp_path, table_file, recipe=Recipe(lr=0.5)), f"sqlite:///{tmp_path}/s.db").__enter__()


def test_a_part_of_the_space_will_do_and_another_will_not(tmp_path: Path, table_file: Path) -> None:
    part = write_space(tmp_path, widths="16", name="part")
    found = spec(tmp_path, table_file, space=part, trials=2)
    with open_session(found, f"sqlite:///{tmp_path}/s.db", executor="virtual") as session:
        assert run(session.driver, session.executor) == "done"
    other = write_space(tmp_path, widths="16, 32", name="other")
    with pytest.raises(UsageError, match=r"'width': 32.* of space 'tiny' is not in the table"):
        open_session(spec(tmp_path, table_file, space=other), f"sqlite:///{tmp_path}/t.db").__enter__()
