"""`mixnas train`: the last training, the one look at the test set, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

import mixnas as package
from mixnas import final_training
from mixnas.cli import models as commands
from mixnas.data import load_splits, load_test
from mixnas.data.splits import normalise
from mixnas.errors import ConfigError, UnknownName, UsageError
from mixnas.model_config import ModelConfig, read_config, write_config
from mixnas.models.families.splitmixer import FAMILY
from mixnas.records import Problem
from mixnas.store import Store
from mixnas.training import NonFiniteLoss

Run = Callable[..., Result]
DIGITS = Problem.square(8, 1, 10)
FAST = ("--epochs", "2", "--threads", "1")


@pytest.fixture(autouse=True)
def _threads_are_put_back() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def config() -> str:
    provenance = {"study": "first", "dataset": "digits"}
    write_config(ModelConfig("splitmixer", FAMILY.tiny, DIGITS, provenance=provenance), "model.yaml")
    return "model.yaml"


def test_a_config_is_trained_and_tested(mixnas: Run, config: str) -> None:
    said = mixnas("train", config, "--epochs", "3", "--threads", "1")
    assert "Trained on 1,438 images in" in said.stdout and "Test set of digits, 359 images: acc 0." in said.stdout
    assert "Test set of digits read 1 time for this model, 1 time in this database" in said.stdout
    assert "Wrote model.safetensors and model.yaml" in said.stdout
    assert [line.split("  ")[0] for line in said.stderr.splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert sorted(p.name for p in Path().iterdir() if "mixnas.db" not in p.name) == ["model.safetensors", "model.yaml"]


def test_the_weights_give_the_accuracy_that_was_printed(mixnas: Run, config: str) -> None:
    mixnas("train", config, "--dataset", "digits", *FAST)
    trained = read_config(config)
    model, test = package.load_model(config).eval(), load_test("digits")
    assert trained.normalisation is not None
    with torch.no_grad():
        outputs = model(normalise(test.images, trained.normalisation))
    accuracy = float((outputs.argmax(1) == test.targets).double().mean())
    facts = trained.provenance["training"]
    assert facts["test_metrics"]["acc"] == pytest.approx(accuracy) and accuracy > 0.15
    assert (facts["dataset"], facts["epochs"], facts["seed"]) == ("digits", 2, 0)
    assert (facts["training_images"], facts["test_images"]) == (1438, 359)
    assert facts["recipe"]["batch_size"] == 32 and trained.provenance["study"] == "first"


def test_the_same_seed_gives_the_same_weights(mixnas: Run, config: str) -> None:
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        mixnas("train", config, *FAST, "--seed", seed, "-o", f"{name}.safetensors")
    weights = {name: Path(f"{name}.safetensors").read_bytes() for name in "abc"}
    assert weights["a"] == weights["b"] != weights["c"]
    assert read_config("a.yaml").weights == "a.safetensors" and read_config(config).weights is None


def test_the_store_counts_how_often_the_test_set_was_read(mixnas: Run, config: str) -> None:
    mixnas("train", config, *FAST)
    assert "read 2 times for this model, 2 times in this" in mixnas("train", config, *FAST, "--force").stdout
    wider = ModelConfig("splitmixer", {**FAMILY.tiny, "width": 24}, DIGITS, provenance={"dataset": "digits"})
    write_config(wider, "wider.yaml")
    assert "read 1 time for this model, 3 times in this" in mixnas("train", "wider.yaml", *FAST).stdout
    with Store.open("sqlite:///mixnas.db") as store:
        reads = store.test_reads("digits", wider.digest)
    assert [Path(read.path).name for read in reads] == ["wider.safetensors"] and set(reads[0].metrics) == {
        "acc",
        "error",
    }


def test_the_test_part_is_read_once_and_after_the_training(
    mixnas: Run, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fit, read = final_training.fit, final_training.load_test
    monkeypatch.setattr(final_training, "fit", lambda *a: (order.append("train"), fit(*a))[1])
    monkeypatch.setattr(final_training, "load_test", lambda *a: (order.append("test"), read(*a))[1])
    mixnas("train", config, *FAST)
    assert order == ["train", "test"]


def test_training_uses_every_image_but_the_test_part(monkeypatch: pytest.MonkeyPatch, mixnas: Run, config: str) -> None:
    kept: list[Any] = []
    fit = final_training.fit
    monkeypatch.setattr(final_training, "fit", lambda *a: (kept.append(a), fit(*a))[1])
    mixnas("train", config, *FAST)
    training, validation, _ = kept[0]
    assert validation is None
    splits = load_splits("digits")
    assert len(training.train) == len(splits.train) + len(splits.validation) == 1438


def test_the_recipe_can_be_changed(mixnas: Run, config: str) -> None:
    flags = ("--recipe", "wavemix", "--lr", "0.003", "--batch-size", "64", "--augment", "shift", "--precision", "bf16")
    mixnas("train", config, *FAST, *flags)
    recipe = read_config(config).provenance["training"]["recipe"]
    assert (recipe["schedule"], recipe["lr"], recipe["batch_size"]) == ("constant", 0.003, 64)
    assert (recipe["augment"], recipe["precision"]) == ("shift", "bf16")


def test_a_published_model_is_built_for_the_data_set(mixnas: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {**FAMILY.tiny}
    monkeypatch.setattr(commands, "_config", lambda model, storage: ModelConfig("splitmixer", small, Problem()))
    said = mixnas("train", "splitmixer-I-256/8", "--dataset", "digits", *FAST)
    assert "made for input [3, 32, 32] and 10 classes; building it for digits: [1, 8, 8] and 10" in said.stderr
    assert read_config("splitmixer-I-256-8-digits.yaml").problem == DIGITS
    assert package.load_model("splitmixer-I-256-8-digits.yaml")(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_a_config_for_other_images_is_left_alone(mixnas: Run) -> None:
    write_config(ModelConfig("splitmixer", FAMILY.tiny, Problem.square(16, 3, 7)), "model.yaml")
    mixnas("train", "model.yaml", "--dataset", "digits", *FAST)
    assert read_config("model.yaml").problem == Problem.square(16, 3, 7)
    assert read_config("model-digits.yaml").weights == "model-digits.safetensors"


def untouched() -> bool:
    return not list(Path().glob("*.safetensors")) and not Path("mixnas.db").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("nothing.yaml",), UnknownName, "nothing.yaml"),
        (("model.yaml", "--dataset", "digit"), UnknownName, "unknown data set 'digit'"),
        (("model.yaml", "--dataset", "cifar10"), UsageError, "cifar10.*--download"),
        (("model.yaml", "--recipe", "smal"), UnknownName, "unknown recipe 'smal'.*did you mean 'small'"),
        (("model.yaml", "--lr", "-1"), ConfigError, "lr=-1.0 must be greater than 0"),
        (("model.yaml", "--precision", "fp8"), UnknownName, "unknown recipe precision 'fp8'"),
        (("model.yaml", "--augment", "flop"), UnknownName, "unknown augmentation 'flop'"),
        (("model.yaml", "--device", "cuda:99"), UsageError, "no device 'cuda:99' here.*--device cpu"),
        (("model.yaml", "-o", "w.pt"), UsageError, "weights are written as safetensors .w.safetensors"),
        (("model.yaml", "-o", "none/w.safetensors"), UsageError, "no folder 'none'"),
        (("splitmixer-I-256/8",), UsageError, "does not say which data set.*made for its input: cifar10"),
    ],
)
def test_what_is_refused_before_anything_is_written(
    mixnas: Run, config: str, arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        mixnas("train", *arguments)
    assert untouched()


def test_existing_weights_are_kept(mixnas: Run, config: str) -> None:
    Path("model.safetensors").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"model\.safetensors exists .*--force"):
        mixnas("train", config, *FAST)
    assert Path("model.safetensors").read_bytes() == b"mine"


def test_a_loss_that_is_not_finite_fails_without_reading_the_test_part(mixnas: Run, config: str) -> None:
    with pytest.raises(NonFiniteLoss, match="NaN or infinite in epoch 1") as caught:
        mixnas("train", config, *FAST, "--lr", "1e30")
    assert caught.value.exit_code == 1 and not list(Path().glob("*.safetensors"))
    with Store.open("sqlite:///mixnas.db") as store:
        assert store.test_reads() == []


def test_ctrl_c_stops_cleanly(config: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mixnas", "train", config, "--epochs", "2000", "--threads", "1"]
    before = Path(config).read_bytes()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stderr is not None and process.stderr.readline().startswith("epoch 1/2000")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "error: interrupted" in err and "Traceback" not in err
    assert Path(config).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "mixnas.db" not in p.name] == ["model.yaml"]
