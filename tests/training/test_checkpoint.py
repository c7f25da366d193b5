"""Training in several goes: the same curve as in one, and a checkpoint that is of no use is no failure."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mixnas import checkpoint as checkpoint_module
from mixnas import toy
from mixnas.evaluator import evaluate
from mixnas.models.families.splitmixer import FAMILY
from mixnas.recipe import RECIPES
from mixnas.records import EpochRecord, Fidelity, Job, Problem

RECIPE = RECIPES["small"].to_dict()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = str(tmp_path / "deep" / "er" / "7.pt")
    problem = Problem.square(8, 1, 10)
    return Job("s", 7, 1, "splitmixer", FAMILY.tiny, problem, "digits", Fidelity(4, 0), RECIPE, checkpoint=path)


def silent(record: EpochRecord) -> None:
    return None


@pytest.fixture(scope="module")
def whole() -> list[Any]:
    """The curve of the job in one go, undisturbed."""
    problem = Problem.square(8, 1, 10)
    return learned(
        evaluate(Job("s", 7, 1, "splitmixer", FAMILY.tiny, problem, "digits", Fidelity(4, 0), RECIPE), silent).curve
    )


def learned(curve: tuple[EpochRecord, ...]) -> list[Any]:
    return [(record.epoch, record.train_loss, record.metrics) for record in curve]


def test_pauses_and_promotions_give_the_curve_of_one_go(job: Job, whole: list[Any]) -> None:
    seen: list[int] = []
    for until, after in ((1, 0), (3, 1), (0, 3)):
        torch.rand(5)
        part = evaluate(replace(job, until=until, after=after), lambda record: seen.append(record.epoch))
        assert part.outcome == ("paused" if until else "finished")
        assert learned(part.curve) == whole[: until or 4]
        assert part.metrics["train_seconds"] == pytest.approx(sum(record.seconds for record in part.curve))
    assert seen == [1, 2, 3, 4]
    assert part.metrics["acc"] == whole[-1][2]["acc"]


class Lost(BaseException):
    """The worker dies."""


def test_a_lost_training_goes_on_from_its_last_checkpoint(
    job: Job, whole: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint_module, "KEEP_SHARE", float("inf"))

    def die(record: EpochRecord) -> None:
        if record.epoch == 3:
            raise Lost

    with pytest.raises(Lost):
        evaluate(job, die)
    seen: list[int] = []
    again = evaluate(job, lambda record: seen.append(record.epoch))
    assert seen == [4] and learned(again.curve) == whole


def damage_truncate(path: Path, job: Job) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_noise(path: Path, job: Job) -> None:
    path.write_bytes(b"nothing of that kind")


def damage_empty(path: Path, job: Job) -> None:
    path.write_bytes(b"")


def damage_pickle(path: Path, job: Job) -> None:
    torch.save({"job": os.system}, path)


def damage_other(path: Path, job: Job) -> None:
    evaluate(replace(job, fidelity=Fidelity(4, 1), until=1), silent)


def damage_shapes(path: Path, job: Job) -> None:
    content = torch.load(path, weights_only=True)
    model = content["training"]["model"]
    model[list(model)[-1]] = torch.zeros(3)
    torch.save(content, path)


def damage_counts(path: Path, job: Job) -> None:
    content = torch.load(path, weights_only=True)
    content["training"]["step"] = "many"
    torch.save(content, path)


DAMAGES = [damage_truncate, damage_noise, damage_empty, damage_pickle, damage_other, damage_shapes, damage_counts]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_of_no_use_is_said_and_trained_anew(job: Job, whole: list[Any], damage: Any) -> None:
    evaluate(replace(job, until=2), silent)
    damage(Path(job.checkpoint), job)
    seen: list[int] = []
    found = evaluate(replace(job, until=3, after=2), lambda record: seen.append(record.epoch))
    assert seen == [1, 2, 3] and "began again at epoch 1" in found.detail
    assert learned(found.curve) == whole[:3]


def test_a_checkpoint_that_cannot_be_written_costs_nothing_else(job: Job, tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file where the folder should be")
    found = evaluate(replace(job, until=1), silent)
    assert found.outcome == "paused" and "no checkpoint could be written" in found.detail


def test_no_half_written_file_stays_behind(job: Job) -> None:
    evaluate(replace(job, until=1), silent)
    assert [path.name for path in Path(job.checkpoint).parent.iterdir()] == ["7.pt"]


def test_the_toy_pauses_and_goes_on(job: Job) -> None:
    whole = toy.evaluate(job, silent)
    seen: list[int] = []
    parts = [
        toy.evaluate(replace(job, until=until, after=after), lambda record: seen.append(record.epoch))
        for until, after in ((1, 0), (3, 1), (0, 3))
    ]
    assert [part.outcome for part in parts] == ["paused", "paused", "finished"] and seen == [1, 2, 3, 4]
    assert parts[-1].curve == whole.curve and parts[-1].metrics == whole.metrics
    assert sum(part.seconds for part in parts) == pytest.approx(whole.seconds)
