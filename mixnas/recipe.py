"""How a model is trained: one plain record of hyperparameters, and the named recipes.

Pure data, so that a study, a worker and the command line can speak of it without torch.
Sources: SplitMixer notebook (arXiv:2207.10255), WaveMix scripts (arXiv:2205.14375).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from mixnas.data import dataset
from mixnas.errors import ConfigError, UnknownName
from mixnas.records import Value


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one training run. AdamW throughout.

    The defaults were chosen by measurement on `digits`: highest validation accuracy after a few seconds of training.
    """

    batch_size: int = 32
    lr: float = 0.02
    """Peak learning rate."""
    weight_decay: float = 0.005
    schedule: Literal["one_cycle", "piecewise_linear", "constant"] = "one_cycle"
    """`piecewise_linear`: 0 to the peak at 40 %, a twentieth of it at 80 %, 0 at the end (the SplitMixer notebook)."""
    clip_norm: float = 1.0
    """Largest norm of the whole gradient; 0 switches clipping off."""
    label_smoothing: float = 0.1
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Autocast of the forward pass and the loss."""
    augment: str = "dataset"
    """`dataset`: what the data set's record recommends; `none`; or names joined by '+', such as `flip+shift`."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "lr"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"recipe: {name}={getattr(self, name)} must be greater than 0")
        for name in ("weight_decay", "clip_norm", "label_smoothing"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"recipe: {name}={getattr(self, name)} must not be negative")
        _one_of("schedule", self.schedule, ("one_cycle", "piecewise_linear", "constant"))
        _one_of("precision", self.precision, ("fp32", "bf16", "fp16"))

    def to_dict(self) -> dict[str, Value]:
        """Plain data, as it is stored and sent to workers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The inverse of `to_dict`; missing fields take their defaults.

        Raises:
            UnknownName: a key is no field of a recipe.
        """
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                raise UnknownName("recipe field", key, known)
        return cls(**data)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UnknownName(f"recipe {name}", value, known)


RECIPES: dict[str, Recipe] = {
    "small": Recipe(),
    "splitmixer": Recipe(
        batch_size=512,
        lr=0.05,
        weight_decay=0.005,
        schedule="piecewise_linear",
        clip_norm=1.0,
        label_smoothing=0.0,
        precision="fp16",
        augment="flip+randaugment",
    ),
    "wavemix": Recipe(
        batch_size=512,
        lr=0.001,
        weight_decay=0.01,
        schedule="constant",
        clip_norm=0.0,
        label_smoothing=0.0,
        augment="flip+trivialaugment",
    ),
}
"""`small` is for small data and short searches; the others are the papers' own."""


def recipe(name: str, **changes: Any) -> Recipe:
    """The recipe of that name with some fields changed.

    Raises:
        UnknownName: there is no such recipe.
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return replace(RECIPES[name], **changes)


def resolve_augment(recipe: Recipe, dataset_name: str) -> Recipe:
    """The recipe with `augment="dataset"` replaced by what the data set's record recommends."""
    if recipe.augment != "dataset":
        return recipe
    return replace(recipe, augment=dataset(dataset_name).augment)
