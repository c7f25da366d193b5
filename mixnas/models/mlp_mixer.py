"""MLP-Mixer, the baseline of both papers.

Paper: "MLP-Mixer: An all-MLP Architecture for Vision", Tolstikhin et al., arXiv:2105.01601.

The model: patches embedded by a convolution; blocks of a perceptron across positions and one across channels, with a
layer norm before each and a residual around it; layer norm, mean over positions, linear classifier. Hidden sizes are
shares of the width, so that the published sizes ("1/2" and "4") are the defaults.

In closed form, with width h, depth d, P positions, t and c hidden units across positions and channels, K classes:

    weights   h (C p^2) + d (2 P t + 2 h c) + h K
    fvcore    P h (C p^2) + d h (2 P t) + d P (2 h c) + 5 (2 d + 1) P h + h K       layer norm counts 5 an element
    thop      the same with 4 instead of 5

Neither counts activations, additions and the mean over positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from mixnas.errors import ConfigError
from mixnas.models.families.mlp_mixer import DEFAULTS
from mixnas.models.family import DEEPEST
from mixnas.models.ratios import is_ratio, share
from mixnas.records import Candidate, Problem


@dataclass(frozen=True)
class MlpMixerConfig:
    """One member of the family; checks itself when it is made.

    Raises:
        ConfigError: a value is of the wrong kind or out of range. The error lists every problem found.
    """

    width: int = 512
    depth: int = 8
    patch_size: int = 4
    token_ratio: str = "1/2"
    """Hidden units of the perceptrons across positions, over the width."""
    channel_ratio: str = "4"
    """Hidden units of the perceptrons across channels, over the width."""

    def __post_init__(self) -> None:
        problems = list(self._wrong_values())
        if problems:
            raise ConfigError(
                "mlp_mixer: " + "; ".join(problems), hint="`mixnas space show mlp_mixer` lists the axes and rules"
            )

    @classmethod
    def from_axes(cls, axes: Candidate) -> MlpMixerConfig:
        """The config of a candidate; axes left out take the family's defaults.

        Raises:
            ConfigError: an axis is unknown, or a value is wrong.
        """
        unknown = [name for name in axes if name not in DEFAULTS]
        if unknown:
            raise ConfigError(f"mlp_mixer has no axis {', '.join(unknown)}", hint=f"its axes: {', '.join(DEFAULTS)}")
        values: dict[str, Any] = dict(axes)
        return cls(**values)

    def _wrong_values(self) -> Iterator[str]:
        for name in ("width", "depth", "patch_size"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                yield f"{name} must be a whole number of at least 1, got {value!r}"
            elif name == "depth" and value > DEEPEST:
                yield f"depth must be at most {DEEPEST}, got {value}"
        for name in ("token_ratio", "channel_ratio"):
            if not is_ratio(getattr(self, name)):
                yield f"{name} must be a ratio such as '1/2' or '4', got {getattr(self, name)!r}"
            elif type(self.width) is int and share(self.width, getattr(self, name)) < 1:
                yield f"{name} {getattr(self, name)} leaves no hidden unit of width {self.width}"


class Perceptron(nn.Sequential):
    """Two linear layers with GELU between them, along the last axis."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, size))


class Block(nn.Module):
    """Mixes positions, then channels, each with a residual. `[B, P, C]` to the same (arXiv:2105.01601, section 2)."""

    def __init__(self, config: MlpMixerConfig, positions: int) -> None:
        super().__init__()
        width = config.width
        self.token_norm = nn.LayerNorm(width, eps=1e-6)
        self.tokens = Perceptron(positions, share(width, config.token_ratio))
        self.channel_norm = nn.LayerNorm(width, eps=1e-6)
        self.channels = Perceptron(width, share(width, config.channel_ratio))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        return cast(Tensor, x + self.channels(self.channel_norm(x)))


class MlpMixer(nn.Module):
    """Images `[B, in_channels, H, W]` to logits `[B, num_classes]`. It works on images of the problem's size only.

    Raises:
        ConfigError: the task is not classification, or the images are smaller than a patch.
    """

    def __init__(self, config: MlpMixerConfig, problem: Problem) -> None:
        super().__init__()
        _check(config, problem)
        self.config, self.problem = config, problem
        width, patch = config.width, config.patch_size
        positions = (problem.height // patch) * (problem.width // patch)
        self.stem = nn.Conv2d(problem.in_channels, width, patch, stride=patch)
        self.blocks = nn.Sequential(*(Block(config, positions) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, problem.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.blocks(self.stem(images).flatten(2).transpose(1, 2))
        return cast(Tensor, self.head(self.norm(x).mean(dim=1)))


def _check(config: MlpMixerConfig, problem: Problem) -> None:
    if problem.task != "classification":
        raise ConfigError(f"mlp_mixer classifies images; the task is {problem.task}", hint="try wavemix_lite")
    if problem.image_size < config.patch_size:
        raise ConfigError(
            f"mlp_mixer: patch_size {config.patch_size} is larger than the image, {problem.height}x{problem.width}",
            hint="take a smaller patch_size or larger images",
        )


def build(axes: Candidate, problem: Problem) -> MlpMixer:
    """The model of a candidate, with PyTorch's default initialisation.

    Raises:
        ConfigError: the axes, or the axes and the problem together, make no model.
    """
    return MlpMixer(MlpMixerConfig.from_axes(axes), problem)
