"""The last training of a chosen model: on training and validation part together, then the test part, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mixnas.data import Normalisation, load_splits, load_test
from mixnas.errors import UsageError
from mixnas.export import build_model
from mixnas.model_config import ModelConfig
from mixnas.recipe import Recipe, resolve_augment
from mixnas.records import EpochRecord
from mixnas.training import Report, Training, derived_seed, fit, seeded


@dataclass(frozen=True)
class FinalResult:
    """The trained weights (on the CPU), what they expect of an image, and how they did on the test part."""

    weights: Mapping[str, Tensor]
    normalisation: Normalisation
    test_metrics: Mapping[str, float]
    curve: tuple[EpochRecord, ...]
    training_images: int
    test_images: int

    @property
    def seconds(self) -> float:
        """Of training, the test left out."""
        return sum(record.seconds for record in self.curve)


def train_and_test(
    config: ModelConfig,
    dataset: str,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int = 0,
    data_dir: str | None = None,
    device: str = "cpu",
    report: Report = lambda record: None,
) -> FinalResult:
    """Trains the config's architecture from fresh weights on all but the test part, then reads the test part once.

    The last epoch's weights are kept: there is no part left to choose an epoch by.

    Raises:
        UsageError: the data or the model cannot be had as asked.
        NonFiniteLoss: the loss became NaN or infinite; the test part was not read.
    """
    splits = load_splits(dataset, 0, data_dir)
    train, normalisation = splits.joined()
    with seeded(derived_seed(seed, "init"), device):
        training = Training(
            build_model(config, "the model"),
            config.problem,
            train,
            normalisation,
            resolve_augment(recipe, dataset),
            epochs=epochs,
            seed=seed,
            device=device,
        )
        curve = fit(training, None, report)
        test = load_test(dataset, data_dir)
        metrics = training.score(test)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in training.model.state_dict().items()}
    return FinalResult(weights, normalisation, metrics, curve, len(train), len(test))


def require_device(device: str) -> None:
    """Refuses a device that is not there before any work is done.

    Raises:
        UsageError: torch knows no such device here, or it does not calculate.
    """
    try:
        if torch.empty(1, device=device).is_meta:
            raise UsageError(f"device {device!r} does not calculate", hint="--device cpu always works")
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"no device {device!r} here: {first}", hint="--device cpu always works") from error
