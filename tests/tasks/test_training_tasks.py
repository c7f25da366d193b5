"""Training for segmentation and super-resolution: the same curve again, better with every epoch, in any batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from mixnas import training as training_module
from mixnas.data import dataset, load_splits
from mixnas.data.splits import Part
from mixnas.evaluator import evaluate
from mixnas.models.families.wavemix_lite import FAMILY
from mixnas.recipe import Recipe
from mixnas.records import EpochRecord, Fidelity, Job, Measurement
from mixnas.training import Training, seeded

DENSE = ("digits-seg", "digits-sr")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def job(name: str, **changes: Any) -> Job:
    problem = dataset(name).problem
    return replace(Job("s", 0, 1, "wavemix_lite", FAMILY.tiny, problem, name, Fidelity(2, 0)), **changes)


def silent(record: EpochRecord) -> None:
    return None


def without_time(measurement: Measurement) -> Any:
    curve = tuple(replace(record, seconds=0.0) for record in measurement.curve)
    metrics = {name: value for name, value in measurement.metrics.items() if name != "train_seconds"}
    return replace(measurement, curve=curve, metrics=metrics, seconds=0.0)


@pytest.mark.parametrize("name", DENSE)
def test_the_same_job_gives_the_same_curve(name: str) -> None:
    wanted = job(name, recipe={"augment": "flip"})
    found = evaluate(wanted, silent)
    assert found.outcome == "finished", found.detail
    assert without_time(found) == without_time(evaluate(wanted, silent))
    assert without_time(found) != without_time(evaluate(job(name), silent))
    assert found.curve[1].train_loss < found.curve[0].train_loss


def test_segmentation_learns_more_than_the_background() -> None:
    """The background alone would be 1 of 11 classes."""
    metrics = evaluate(job("digits-seg", fidelity=Fidelity(3, 0)), silent).metrics
    assert set(metrics) == {"miou", "pixel_acc", "train_seconds"}
    assert metrics["miou"] > 1.2 / 11


def test_super_resolution_beats_bicubic_interpolation() -> None:
    from mixnas.metrics import psnr

    part = load_splits("digits-sr").validation
    images = torch.nn.functional.interpolate(part.images / 255, scale_factor=2, mode="bicubic").clamp(0, 1)
    bicubic = float(psnr(images, part.targets / 255).mean())
    metrics = evaluate(job("digits-sr", fidelity=Fidelity(5, 0)), silent).metrics
    assert set(metrics) == {"psnr", "ssim", "train_seconds"}
    assert metrics["psnr"] > bicubic + 0.5


def made(name: str, train: Part, **recipe: Any) -> Training:
    problem, splits = dataset(name).problem, load_splits(name)
    with seeded(0):
        model = FAMILY.build(FAMILY.tiny, problem)
    chosen = Recipe.from_dict({"augment": "none", **recipe})
    return Training(model, problem, train, splits.normalisation, chosen, epochs=1, seed=0)


@pytest.mark.parametrize("name", DENSE)
def test_metrics_do_not_depend_on_the_batches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = load_splits(name)
    found = made(name, splits.train)
    whole = found.score(splits.validation)
    monkeypatch.setattr(training_module, "SCORE_PIXELS", 7 * 12 * 12)
    assert found.score(splits.validation) == pytest.approx(whole, rel=1e-5)


def test_large_images_are_scored_in_small_batches() -> None:
    seen: list[int] = []
    problem = replace(dataset("digits-seg").problem, height=256, width=256)
    images = torch.zeros(40, 1, 256, 256, dtype=torch.uint8)
    part = Part(images, torch.zeros(40, 256, 256, dtype=torch.uint8))
    model = torch.nn.Conv2d(1, 11, 1)
    model.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    normalisation = load_splits("digits-seg").normalisation
    Training(model, problem, part, normalisation, Recipe(augment="none"), epochs=1, seed=0).score(part)
    assert seen == [16, 16, 8]


@pytest.mark.parametrize("precision", ["bf16"])
@pytest.mark.parametrize("name", DENSE)
def test_low_precision(name: str, precision: str) -> None:
    found = evaluate(job(name, fidelity=Fidelity(1, 0), recipe={"precision": precision}), silent)
    assert found.outcome == "finished", found.detail
