"""The peer: a search as one writes it after Optuna's multi-objective tutorial, with data loading as PyTorch's shows it.

    python -m studies.benchmarks.real.plain_optuna_digits --trials 60 --log log.csv

Default sampler, one trial after the other, each trained to its last epoch, repeats and all. Everything that is learned
or paid for is that of `mixnas search --space splitmixer`: the models, the choices of each axis, the epochs, the recipe
and the images of training and validation.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mixnas.data import load_splits
from mixnas.data.splits import Part, Splits
from mixnas.models import family
from mixnas.records import Problem

EPOCHS = 8
BATCH = 32
RATE = 0.02
PROBLEM = Problem.square(8, in_channels=1, num_classes=10)


class Digits(Dataset[tuple[Tensor, Tensor]]):
    """One part of the digits; an image is scaled and normalised when it is asked for."""

    def __init__(self, part: Part, mean: float, deviation: float) -> None:
        self.part, self.mean, self.deviation = part, mean, deviation

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.part.images[index].float() / 255
        return (image - self.mean) / self.deviation, self.part.targets[index]


def loaders(splits: Splits) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Batches of the training part, shuffled, and of the validation part."""
    mean, deviation = splits.normalisation.mean[0], splits.normalisation.std[0]
    train = DataLoader(Digits(splits.train, mean, deviation), BATCH, shuffle=True, drop_last=True)
    return train, DataLoader(Digits(splits.validation, mean, deviation), BATCH)


def train(model: nn.Module, loader: DataLoader[Any], epochs: int = EPOCHS) -> Iterator[float]:
    """Trains; gives the mean loss after each epoch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.005)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=epochs * len(loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(epochs):
        model.train()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        yield total / len(loader)


def accuracy(model: nn.Module, loader: DataLoader[Any]) -> float:
    """Share of the images that the model names rightly."""
    model.eval()
    right = count = 0
    with torch.no_grad():
        for images, labels in loader:
            right += int((model(images).argmax(1) == labels).sum())
            count += len(labels)
    return right / count


def define_model(trial: optuna.Trial) -> dict[str, Any]:
    """The axes of a model; those that cannot be built are pruned, at no cost."""
    axes: dict[str, Any] = {
        "width": trial.suggest_categorical("width", [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]),
        "depth": trial.suggest_int("depth", 2, 12, step=2),
        "patch_size": trial.suggest_categorical("patch_size", [1, 2, 4, 7]),
        "kernel_size": trial.suggest_categorical("kernel_size", [3, 5, 7, 9]),
        "activation": trial.suggest_categorical("activation", ["gelu", "relu", "silu"]),
        "norm": trial.suggest_categorical("norm", ["batch", "layer"]),
        "spatial": trial.suggest_categorical("spatial", ["separable", "depthwise"]),
        "channel": trial.suggest_categorical("channel", ["dense", "overlap", "disjoint"]),
    }
    if axes["channel"] == "overlap":
        axes["channel.ratio"] = trial.suggest_categorical("ratio", ["2/3", "3/5", "4/7", "5/9", "6/11"])
    if axes["channel"] == "disjoint":
        axes["channel.segments"] = trial.suggest_categorical("segments", [2, 3, 4, 5, 6, 8])
    if axes["channel"] != "dense":
        axes["channel.mixes"] = trial.suggest_categorical("mixes", ["one", "all"])
        axes["channel.shared"] = trial.suggest_categorical("shared", [False, True])
        axes["channel.operator"] = trial.suggest_categorical("operator", ["pointwise", "conv3d"])
    if reason := cannot_be_built(axes):
        raise optuna.TrialPruned(reason)
    return axes


def cannot_be_built(axes: dict[str, Any]) -> str:
    """Why not; empty where it can."""
    patches = 8 // axes["patch_size"]
    if patches < 2 or axes["kernel_size"] > 2 * patches - 1:
        return "more padding than image"
    if axes["width"] * axes["depth"] > 256:
        return "far larger than its images"
    shared = axes.get("channel.shared", False)
    if axes["channel"] == "disjoint" and shared and axes["width"] % axes["channel.segments"]:
        return "segments of unequal width cannot share a weight"
    if axes.get("channel.operator") == "conv3d":
        if not (shared and axes["channel.mixes"] == "all"):
            return "a 3-D convolution has one weight for all segments"
        if axes["channel"] == "overlap" and axes["width"] % 2:
            return "two halves of the channels are needed"
    return ""


def main() -> None:
    """Searches, and writes a line to the log after each trial that was trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60, help="trainings")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, default=Path("plain_optuna.csv"))
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    training, validation = loaders(load_splits("digits", 0, None))
    log, trained = csv.writer(options.log.open("w", encoding="utf-8", newline="", buffering=1)), 0
    log.writerow(["ended", "seconds", "acc", "params", "architecture"])

    def objective(trial: optuna.Trial) -> tuple[float, int]:
        nonlocal trained
        axes, started = define_model(trial), time.perf_counter()
        model = family("splitmixer").build(axes, PROBLEM)
        params = sum(parameter.numel() for parameter in model.parameters())
        for _ in train(model, training, options.epochs):
            pass
        acc = accuracy(model, validation)
        log.writerow([time.time(), time.perf_counter() - started, acc, params, sorted(axes.items())])
        trained += 1
        if trained == options.trials:
            trial.study.stop()
        return acc, params

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=options.seed)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective)


if __name__ == "__main__":
    main()
