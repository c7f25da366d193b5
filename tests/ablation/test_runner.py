"""Runs of an ablation: pairing, reuse, going on, failures, and what the store keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from mixnas.ablation.runner import open_ablation
from mixnas.errors import UsageError
from mixnas.records import EpochRecord, Job, Measurement
from mixnas.search.executors import InlineExecutor
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.store import Store
from mixnas.study import StudySpec
from tests.ablation.conftest import finished, prepared, trained


def fragile(job: Job, report: object) -> Measurement:
    """Fails for dense channels with seed 1."""
    failed = job.axes["channel"] == "dense" and job.fidelity.seed == 1
    curve = (EpochRecord(1, 0.1, {"acc": 0.5}, 0.1),)
    if failed:
        raise ValueError("dense channels and seed 1")
    return Measurement("finished", {"acc": 0.5 + job.fidelity.seed / 100, "train_seconds": 0.1}, curve, 0.1)


def broken(job: Job, report: object) -> Measurement:
    """Says nothing of accuracy."""
    return Measurement("finished", {"train_seconds": 0.1}, (), 0.1)


class Recording(InlineExecutor):
    """Keeps the jobs it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        super().submit(job)


@pytest.fixture
def jobs(storage: str) -> Iterator[list[Job]]:
    experiment, executor = prepared(storage), Recording()
    with open_ablation(experiment, storage, executor="inline") as ablation:
        assert run(ablation.driver, executor) == "done"
    yield executor.jobs


def test_all_arms_have_the_same_seeds_split_and_recipe(jobs: list[Job]) -> None:
    seeds: dict[str, list[int]] = {}
    for job in jobs:
        seeds.setdefault(str(sorted(job.axes.items())), []).append(job.fidelity.seed)
    assert len(seeds) == 4
    assert all(found == [0, 1, 2] for found in seeds.values())
    assert len({(job.split_seed, job.dataset, job.fidelity.epochs, str(job.recipe)) for job in jobs}) == 1


def test_seeds_are_finished_one_after_the_other_so_that_pairs_are_whole(jobs: list[Job]) -> None:
    assert [job.fidelity.seed for job in jobs] == [0] * 4 + [1] * 4 + [2] * 4


def test_a_2_to_the_3_factorial_runs_and_finds_its_effects(storage: str) -> None:
    found = finished(storage, vary=("spatial", "channel=overlap,dense", "kernel_size=3,5"), seeds=5)
    assert (len(found.arms), found.finished, found.wanted) == (8, 40, 40)
    assert {e.term for e in found.effects.effects} == {
        "spatial", "channel", "kernel_size", "spatial x channel", "spatial x kernel_size", "channel x kernel_size",
    }  # fmt: skip
    (kernel,) = (e for e in found.effects.effects if e.term == "kernel_size")
    assert kernel.contrast == "3 - 5"
    assert kernel.high < 0, "the toy evaluator is better with larger kernels"
    assert found.effects.residual_degrees == 7 * 4


def test_nothing_is_trained_twice_by_any_design_of_the_study(storage: str) -> None:
    finished(storage)
    assert trained(storage) == 12
    finished(storage)
    assert trained(storage) == 12
    wider = finished(storage, vary=("spatial", "kernel_size=3,5"), design="oat", seeds=4)
    # base and spatial=depthwise had three seeds
    assert trained(storage) == 12 + 2 + 4
    assert [arm.arm.label for arm in wider.arms] == ["base", "spatial=depthwise", "kernel_size=3"]
    assert all(len(arm.values) == 4 for arm in wider.arms)


def test_an_interrupted_ablation_goes_on(storage: str) -> None:
    experiment = prepared(storage)
    with open_ablation(experiment, storage, executor="inline") as ablation:
        driver = ablation.driver
        first, second = driver.ask(), driver.ask()
        assert first and second
        driver.abandon([first, second])
    with open_ablation(experiment, storage, executor="inline") as ablation:
        assert run(ablation.driver, ablation.executor) == "done"
        assert len(ablation.store.trials("tricks", "finished")) == 12
        assert [a.state for a in ablation.store.attempts("tricks", first.trial)] == ["interrupted", "finished"]


def test_a_lost_worker_is_tried_once_more(storage: str) -> None:
    with open_ablation(prepared(storage), storage, executor="inline") as ablation:
        driver = ablation.driver
        for _ in range(2):
            job = driver.ask()
            assert job
            driver.tell(job, Measurement("failed", reason="lost_worker", detail="killed"))
        assert driver.failed == 1
        assert job.attempt == 2


def test_failed_runs_are_reported_and_the_others_are_compared_in_pairs(storage: str) -> None:
    found = finished(storage, evaluator=f"{__name__}:fragile", epochs=1)
    dense = next(arm for arm in found.arms if arm.arm.label == "channel=dense")
    assert dense.failures == {1: "exception: ValueError: dense channels and seed 1"}
    assert dense.difference is not None
    assert dense.difference.pairs == 2
    assert found.failed == 2
    assert trained(storage) == 12


def test_a_run_without_the_metric_is_a_failure(storage: str) -> None:
    found = finished(storage, evaluator=f"{__name__}:broken", epochs=1, seeds=1)
    assert found.finished == 0
    assert all("acc missing or not finite" in why for arm in found.arms for why in arm.failures.values())


def test_optuna_sees_every_run_under_the_same_number(storage: str) -> None:
    finished(storage)
    study = optuna.load_study(study_name="tricks", storage=storage)
    with Store.open(storage) as store:
        for trial in store.trials("tricks"):
            theirs = study.trials[trial.number]
            assert theirs.user_attrs["seed"] == trial.fidelity.seed
            assert theirs.values == [trial.values["acc"], trial.values["params"]]


def test_another_training_under_the_same_name_is_refused(storage: str) -> None:
    finished(storage)
    with pytest.raises(UsageError, match="epochs: stored 3, asked 4"):
        finished(storage, epochs=4)


def test_ablations_and_searches_do_not_share_a_study(storage: str) -> None:
    finished(storage)
    search = StudySpec("splitmixer", evaluator="toy", name="tricks", epochs=3, trials=2)
    with pytest.raises(UsageError, match="kind"), open_session(search, storage, executor="inline"):
        pass
    with open_session(StudySpec("splitmixer", evaluator="toy", name="other"), storage, executor="inline"):
        pass
    with pytest.raises(UsageError, match="is a search, no ablation"):
        finished(storage, name="other")


def test_the_base_may_be_a_trial_of_the_database(storage: str) -> None:
    with open_session(
        StudySpec("splitmixer", evaluator="toy", name="found", trials=3), storage, executor="inline"
    ) as s:
        run(s.driver, s.executor)
        axes = s.store.trial("found", 2).axes
    found = finished(storage, base="found/2", changes={}, vary=("activation",), design="oat", name="", seeds=2)
    assert found.arms[0].arm.axes == axes
    assert (len(found.arms), found.finished) == (3, 6)
    assert found.spec["name"] == "found-2-digits-ablation"


def test_nothing_is_written_where_the_data_are_not_there(storage: str, tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError),
        open_ablation(
            prepared(storage, dataset="cifar10", evaluator="train", data_dir=str(tmp_path)), storage, executor="inline"
        ),
    ):
        pass
    assert not Path(storage.removeprefix("sqlite:///")).exists()


@pytest.mark.slow
def test_real_trainings_are_paired_and_the_same_again(storage: str) -> None:
    """Trains 4 models for one epoch each, some seconds."""
    first = finished(storage, evaluator="train", epochs=1, seeds=1)
    again = finished(storage.replace(".db", "2.db"), evaluator="train", epochs=1, seeds=1)
    assert [arm.values for arm in first.arms] == [arm.values for arm in again.arms]
    assert all("memory" in arm.costs and arm.costs["train_seconds"] > 0 for arm in first.arms)
