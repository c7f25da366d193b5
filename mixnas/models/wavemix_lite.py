"""WaveMix-Lite: token mixing by a wavelet transform, for classification, segmentation and super-resolution.

Papers: "WaveMix: A Resource-efficient Neural Network for Image Analysis", arXiv:2205.14375, and "WaveMix-Lite",
arXiv:2203.03689, by Jeevan, Viswanathan, Sethi and others.

The model: a convolutional stem, then blocks with a residual around each, then a head for the task. A block:

    reduction     1x1 convolution to a quarter of the channels
    transform     a pyramid of `levels` wavelet transforms; every level has as many channels as the block
    feed-forward  one a level, deepest first: 1x1 convolution to mult * width, GELU, dropout, 1x1 convolution,
                  upsampling by two, batch norm. Its result (half the width, but all of it at the finest level) joins
                  the bands of the next finer level

The published code transforms again for every level (1 + 2 + ... + L transforms a block); one pyramid gives the same.
What this file adds to the papers:

    any size      an odd side is padded with a zero in the transform, and what is upsampled is cropped to what it was
    any wavelet   longer filters give larger levels, which are cropped around their middle
    interpolate   the published parameter-free upsampling (level 1) at every level: the second 1x1 convolution gives
                  the channels of the result itself, and a bilinear interpolation enlarges them
    any transform average pooling, or learned filters, in place of the wavelets (`downsampling`)
    any stem      the heads for segmentation and super-resolution undo any stem whose reduction is a power of two, by
                  one transposed convolution for each factor of two

Reading order: config, blocks, stem and heads, model; costs are in `wavemix_costs`, published members in
`wavemix_named`, the record in `families/wavemix_lite`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mixnas.errors import ConfigError
from mixnas.models.downsampling import TRANSFORMS, reduced_width, taps, transform_pyramid
from mixnas.models.family import DEEPEST, Axes
from mixnas.models.ratios import is_ratio, share
from mixnas.models.wavelet import filter_length
from mixnas.models.wavemix_costs import (
    DEFAULTS,
    grid,
    head_channels,
    reduction_of,
)
from mixnas.records import Candidate, Problem

# ---------------------------------------------------------------------------------------------------------- config

CHOICES: dict[str, tuple[str, ...]] = {
    "transform": TRANSFORMS,
    "stem": ("strided", "patchify"),
    "upsample": ("deconv", "interpolate"),
}
SCALE = {"segmentation": 1, "super_resolution": 2}
"""How many times larger than the input the output of a dense task is."""


@dataclass(frozen=True)
class WaveMixLiteConfig:
    """One member of the family; checks itself when it is made.

    Raises:
        ConfigError: a value is not one of its choices or out of range. The error lists every problem found.
        UnknownName: PyWavelets has no discrete wavelet of that name.
    """

    width: int = 144
    """A multiple of 4: the transform turns a quarter of the channels into all of them."""
    depth: int = 7
    levels: int = 1
    transform: str = "dwt"
    """What makes the levels: the wavelet transform, or what an ablation puts in its place (`downsampling`)."""
    wavelet: str = "haar"
    """Read where transform is dwt."""
    mult: int = 2
    """Hidden channels of a feed-forward over the width."""
    dropout: float = 0.5
    stem: str = "strided"
    stride: int = 1
    """Of both convolutions of the strided stem."""
    patch_size: int = 4
    """Read where the stem is patchify."""
    upsample: str = "deconv"
    ff_ratio: str = "1"
    """Channels that a transposed convolution reads, over the width. Read where upsample is deconv."""
    head_ratio: str = "1/2"
    """Channels after the first transposed convolution of a dense head, over the width; later ones have half of that."""

    def __post_init__(self) -> None:
        problems = list(self._wrong_values())
        if problems:
            raise ConfigError(
                "wavemix_lite: " + "; ".join(problems), hint="`mixnas space show wavemix_lite` lists the axes and rules"
            )
        filter_length(self.wavelet)

    @classmethod
    def from_axes(cls, axes: Candidate) -> WaveMixLiteConfig:
        """The config of a candidate; axes left out take the family's defaults.

        Raises:
            ConfigError: an axis is unknown, or a value is wrong.
        """
        unknown = [name for name in axes if name not in DEFAULTS]
        if unknown:
            raise ConfigError(f"wavemix_lite has no axis {', '.join(unknown)}", hint=f"its axes: {', '.join(DEFAULTS)}")
        values: dict[str, Any] = {name.rpartition(".")[2]: value for name, value in axes.items()}
        return cls(**values)

    def axes(self) -> Candidate:
        """Every axis with its value, inactive ones too: the inverse of `from_axes`."""
        return {name: getattr(self, name.rpartition(".")[2]) for name in DEFAULTS}

    @property
    def ff(self) -> int:
        """Channels that a transposed convolution reads."""
        return cast(int, share(self.width, self.ff_ratio))

    def _wrong_values(self) -> Iterator[str]:
        for name in ("width", "depth", "levels", "mult", "stride", "patch_size"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                yield f"{name} must be a whole number of at least 1, got {value!r}"
            elif name == "depth" and value > DEEPEST:
                yield f"depth must be at most {DEEPEST}, got {value}"
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                yield f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
        if type(self.width) is int and self.width % 4:
            yield f"width must be a multiple of 4, because a quarter of it is transformed, got {self.width}"
        if type(self.dropout) not in (int, float) or not 0 <= self.dropout < 1:
            yield f"dropout must be at least 0 and below 1, got {self.dropout!r}"
        for name in ("ff_ratio", "head_ratio"):
            if not is_ratio(getattr(self, name)):
                yield f"{name} must be a ratio such as '1/2' or '2', got {getattr(self, name)!r}"
            elif type(self.width) is int and share(self.width, getattr(self, name)) < 2:
                yield f"{name} {getattr(self, name)} leaves fewer than two channels of width {self.width}"


def check(config: WaveMixLiteConfig, problem: Problem) -> None:
    """Refuses what cannot work on the images of the problem.

    Raises:
        ConfigError: a level would transform a single pixel, or the head cannot undo the stem.
    """
    check_levels("wavemix_lite", config.levels, grid(config.axes(), problem), problem)
    check_head("wavemix_lite", reduction_of(config.axes()), problem)


def check_levels(family: str, levels: int, sides: tuple[int, int], problem: Problem) -> None:
    """Refuses levels that would transform a single pixel of what the stem makes, an image with these sides.

    Raises:
        ConfigError: it names the family, the level and the sides.
    """
    if min(sides) <= 2 ** (levels - 1):
        raise ConfigError(
            f"{family}: level {levels} has nothing to transform: the stem makes {sides[0]}x{sides[1]} of "
            f"{problem.height}x{problem.width} images, and each level halves it",
            hint="take fewer levels, a smaller stride or patch_size, or larger images",
        )


def check_head(family: str, reduction: int, problem: Problem) -> None:
    """Refuses a stem that the head of a dense task cannot undo.

    Raises:
        ConfigError: it names the family and how many times smaller the stem makes images.
    """
    if problem.task in SCALE and reduction & (reduction - 1):
        raise ConfigError(
            f"{family}: the stem makes images {reduction} times smaller, which the head for {problem.task} cannot "
            "undo: it doubles sides",
            hint="take a patch_size of 2, 4 or 8, or a stride of 1 or 2",
        )


# ---------------------------------------------------------------------------------------------------------- blocks


class FeedForward(nn.Module):
    """Mixes the bands of a level and enlarges them: `[B, inputs, h, w]` to `[B, outputs, H, W]`, cropped to `size`."""

    def __init__(self, config: WaveMixLiteConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden, deconv = config.mult * config.width, config.upsample == "deconv"
        ff = config.ff if deconv else outputs
        self.expand = nn.Conv2d(inputs, hidden, 1)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(config.dropout)
        self.project = nn.Conv2d(hidden, ff, 1)
        self.upsample: nn.Module = enlarge(ff, outputs) if deconv else nn.Upsample(scale_factor=2, mode="bilinear")
        self.norm = nn.BatchNorm2d(outputs)
        # A filter longer than Haar's makes a level larger than half, by as much on both sides.
        self.offset = taps(config.transform, config.wavelet) // 2 - 1

    def forward(self, bands: Tensor, size: torch.Size) -> Tensor:
        x = self.project(self.dropout(self.activation(self.expand(bands))))
        return cast(Tensor, self.norm(crop(self.upsample(x), size, self.offset)))


class Block(nn.Module):
    """`x` plus what its wavelet levels make of it. `[B, width, H, W]` to the same (arXiv:2205.14375, section 3)."""

    def __init__(self, config: WaveMixLiteConfig) -> None:
        super().__init__()
        width, last = config.width, config.levels - 1
        self.reduction = nn.Conv2d(width, reduced_width(config.transform, width), 1)
        self.pyramid = transform_pyramid(config.transform, config.wavelet, width, config.levels)
        self.levels = nn.ModuleList(
            FeedForward(
                config,
                inputs=width if level == last else width + width // 2,
                outputs=width // 2 if level else width,
            )
            for level in range(config.levels)
        )

    def forward(self, x: Tensor) -> Tensor:
        pyramid = self.pyramid(self.reduction(x))
        sizes = [x.shape[-2:], *(bands.shape[-2:] for bands in pyramid)]
        mixed = self.levels[-1](pyramid[-1], sizes[-2])
        for level in reversed(range(len(pyramid) - 1)):
            mixed = self.levels[level](torch.cat([pyramid[level], mixed], dim=1), sizes[level])
        return x + cast(Tensor, mixed)


def enlarge(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Transposed convolution that doubles the sides."""
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def crop(x: Tensor, size: torch.Size, offset: int = 0) -> Tensor:
    """`x [B, C, H, W]` cut to `size`, leaving out `offset` rows and columns before it."""
    if x.shape[-2:] == size:
        return x
    return x[..., offset : offset + size[0], offset : offset + size[1]]


# --------------------------------------------------------------------------------------------------- stem and heads


def stem(config: WaveMixLiteConfig, channels: int) -> nn.Sequential:
    """Two 3x3 convolutions; with patches, a third one that embeds them, GELU and batch norm."""
    width = config.width
    if config.stem == "strided":
        return nn.Sequential(
            nn.Conv2d(channels, width // 2, 3, stride=config.stride, padding=1),
            nn.Conv2d(width // 2, width, 3, stride=config.stride, padding=1),
        )
    return nn.Sequential(
        nn.Conv2d(channels, width // 4, 3, padding=1),
        nn.Conv2d(width // 4, width // 2, 3, padding=1),
        nn.Conv2d(width // 2, width, config.patch_size, stride=config.patch_size),
        nn.GELU(),
        nn.BatchNorm2d(width),
    )


def classifier(width: int, num_classes: int) -> nn.Sequential:
    """Global average pooling and a linear layer: `[B, width, H, W]` to `[B, num_classes]`."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))


def dense_head(sizes: list[int], num_classes: int) -> nn.Sequential:
    """Doubles the sides for each size but the first: `[B, sizes[0], H, W]` to `[B, num_classes, 2H, 2W]` with two."""
    doublings = (enlarge(inputs, outputs) for inputs, outputs in itertools.pairwise(sizes))
    return nn.Sequential(*doublings, nn.Conv2d(sizes[-1], num_classes, 1))


def head(axes: Axes, problem: Problem) -> nn.Sequential:
    """The head for the task of the problem, which undoes the stem that the axes tell of."""
    if problem.task == "classification":
        return classifier(axes["width"], problem.num_classes)
    factor = SCALE[problem.task] * reduction_of(axes)
    return dense_head([head_channels(axes, number) for number in range(factor.bit_length())], problem.num_classes)


# ----------------------------------------------------------------------------------------------------------- model


class ImageModel(nn.Module):
    """Stem, blocks and head: images `[B, in_channels, H, W]` to logits `[B, num_classes]`, or to
    `[B, num_classes, H, W]` for segmentation, or to `[B, num_classes, 2H, 2W]` for super-resolution.

    A dense output must not lack its border: images are padded at the end until patches of `patch_size` cover them, and
    the output is cropped.
    """

    def __init__(
        self, stem: nn.Sequential, blocks: nn.Sequential, head: nn.Sequential, problem: Problem, patch_size: int = 1
    ) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = stem, blocks, head
        self.problem, self.patch_size = problem, patch_size
        self.scale = SCALE.get(problem.task)

    def forward(self, images: Tensor) -> Tensor:
        if self.scale is None:
            return cast(Tensor, self.head(self.blocks(self.stem(images))))
        height, width = images.shape[-2:]
        whole = F.pad(images, (0, -width % self.patch_size, 0, -height % self.patch_size))
        x = self.head(self.blocks(self.stem(whole)))
        return crop(x, torch.Size((self.scale * height, self.scale * width)))


class WaveMixLite(ImageModel):
    """The model of a config. Any size of image will do that `check` accepts.

    Raises:
        ConfigError: a level would transform a single pixel, or the head cannot undo the stem.
    """

    def __init__(self, config: WaveMixLiteConfig, problem: Problem) -> None:
        check(config, problem)
        super().__init__(
            stem(config, problem.in_channels),
            nn.Sequential(*(Block(config) for _ in range(config.depth))),
            head(config.axes(), problem),
            problem,
            config.patch_size if config.stem == "patchify" else 1,
        )
        self.config = config


def build(axes: Candidate, problem: Problem) -> WaveMixLite:
    """The model of a candidate, with PyTorch's default initialisation.

    Raises:
        ConfigError: the axes, or the axes and the problem together, make no model.
        UnknownName: PyWavelets has no discrete wavelet of that name.
    """
    return WaveMixLite(WaveMixLiteConfig.from_axes(axes), problem)
