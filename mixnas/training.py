"""The training loop.

The whole data set lies in memory as tensors, so that a batch is one `index_select` and one batched augmentation.
Batch order and augmentation draw from generators of their own, seeded from the run's seed: two architectures with the
same seed see the same images in the same order. Everything that a run needs to go on later is in `Training`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mixnas.data import Normalisation
from mixnas.data.augment import augment_examples
from mixnas.data.splits import Part, normalise
from mixnas.errors import RunError
from mixnas.recipe import Recipe
from mixnas.records import EpochRecord, Problem
from mixnas.schedules import SCHEDULES
from mixnas.tasks import task

Report = Callable[[EpochRecord], None]

CHECK_EVERY = 64
"""Steps between looks at the loss: a look costs a synchronisation on a GPU."""

SCORE_BATCH = 256
"""Images in one forward pass of the validation, where they are small."""

SCORE_PIXELS = 2**20
"""Pixels in one forward pass of the validation: what is kept of large images must fit into memory."""

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class NonFiniteLoss(RunError):
    """The loss became NaN or infinite."""


def derived_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose (`init`, `order`, `augment`, ...), unrelated to those of other purposes."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:7], "big")


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Seeds torch's global generators inside the block and puts back what they were after it."""
    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


class Training:
    """One training run: the model, the optimiser, the generators, and how far it has come."""

    def __init__(
        self,
        model: nn.Module,
        problem: Problem,
        train: Part,
        normalisation: Normalisation,
        recipe: Recipe,
        *,
        epochs: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        """`recipe.augment` must name an augmentation; `dataset` is resolved by the caller.

        The last, smaller batch of an epoch is left out: batch norm would learn from a handful of images.
        """
        self.device = torch.device(device)
        self.model = _channels_last(model.to(self.device))
        self.task = task(problem.task)
        self.train = train.to(self.device)
        self.normalisation = normalisation
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = min(recipe.batch_size, len(train))
        self.steps = epochs * (len(train) // self.batch_size)
        self.augment = augment_examples(recipe.augment, problem.task)
        self.schedule = SCHEDULES[recipe.schedule]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "fp16")
        self.order = torch.Generator().manual_seed(derived_seed(seed, "order"))
        self.noise = torch.Generator().manual_seed(derived_seed(seed, "augment"))
        self.epoch = 0
        self.step = 0

    def run_epoch(self) -> float:
        """Trains for one epoch and returns its mean loss.

        Raises:
            NonFiniteLoss: the loss is NaN or infinite.
        """
        self.model.train()
        total = torch.zeros((), device=self.device)
        count = len(self.train) // self.batch_size
        order = torch.randperm(len(self.train), generator=self.order)[: count * self.batch_size]
        for number, batch in enumerate(torch.split(order.to(self.device), self.batch_size), start=1):
            total += self.train_step(self.train.images[batch], self.train.targets[batch])
            if (number % CHECK_EVERY == 0 or number == count) and not torch.isfinite(total):
                raise NonFiniteLoss(f"the loss became NaN or infinite in epoch {self.epoch + 1}, by step {self.step}")
        self.epoch += 1
        return float(total) / count

    def train_step(self, images: Tensor, targets: Tensor) -> Tensor:
        """One step on a batch: uint8 images `[B, C, H, W]`. Returns the loss, still on its device."""
        if self.augment is not None:
            images, targets = self.augment(images, targets, self.noise)
        inputs = _inputs(images, self.normalisation)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * self.schedule(self.step, self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.recipe.precision):
            loss = self.task.loss(self.model(inputs), targets, self.recipe.label_smoothing)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        return loss.detach()

    def score(self, part: Part) -> dict[str, float]:
        """The metrics of the model on a part, in evaluation mode."""
        self.model.eval()
        tallies = []
        size = min(SCORE_BATCH, max(SCORE_PIXELS // part.images[0, 0].numel(), 1))
        with torch.no_grad():
            for start in range(0, len(part), size):
                images = part.images[start : start + size].to(self.device)
                targets = part.targets[start : start + size].to(self.device)
                with autocast(self.device, self.recipe.precision):
                    outputs = self.model(_inputs(images, self.normalisation))
                tallies.append(self.task.tally(outputs, targets))
        return self.task.metrics(torch.stack(tallies).sum(0))

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes while training, for a checkpoint between two epochs; tensors and plain data."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "order": self.order.get_state(),
            "noise": self.noise.get_state(),
            "global": torch.get_rng_state(),
            "device": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "epoch": self.epoch,
            "step": self.step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a checkpoint of a run with the same arguments; the next epochs are then the same."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.order.set_state(state["order"])
        self.noise.set_state(state["noise"])
        torch.set_rng_state(state["global"])
        if state.get("device") is not None:
            torch.cuda.set_rng_state(state["device"], self.device)
        self.epoch, self.step = state["epoch"], state["step"]


def fit(
    training: Training,
    validation: Part | None,
    report: Report,
    *,
    until: int = 0,
) -> tuple[EpochRecord, ...]:
    """Trains on to the last epoch; calls `report` after each with the validation metrics (none without a part).

    `EpochRecord.seconds` is the training time of that epoch, validation and reporting left out.

    Args:
        until: stop after this epoch; 0 goes to the last one.

    Raises:
        NonFiniteLoss: the loss became NaN or infinite.
    """
    curve: list[EpochRecord] = []
    while training.epoch < (min(until, training.epochs) or training.epochs):
        started = time.perf_counter()
        loss = training.run_epoch()
        seconds = time.perf_counter() - started
        metrics = training.score(validation) if validation is not None else {}
        curve.append(EpochRecord(training.epoch, loss, metrics, seconds))
        report(curve[-1])
    return tuple(curve)


def _channels_last(model: nn.Module) -> nn.Module:
    """Weights of 2-D convolutions in the memory format of the images; `Module.to` would refuse 3-D convolutions.

    On one core a step on small images takes 0.5 to 1.0 times as long as without.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def _inputs(images: Tensor, normalisation: Normalisation) -> Tensor:
    return normalise(images, normalisation).contiguous(memory_format=torch.channels_last)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Autocast as a recipe's `precision` asks for; without effect for fp32."""
    return torch.autocast(device.type, PRECISIONS.get(precision), enabled=precision in PRECISIONS)
