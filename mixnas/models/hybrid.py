"""SplitMixer and WaveMix crossed: how a block mixes positions and how it mixes channels are two choices.

Papers: arXiv:2207.10255 (SplitMixer) and arXiv:2205.14375 (WaveMix). Their models are corner points of this family:
`from_splitmixer` and `from_wavemix_lite` give the axes, and the weights go over under the same names.

| positions (`token`) | channels (`channel`) | a block is |
| --- | --- | --- |
| split | segments | SplitMixer's: `x + spatial(x)`, then a channel mixer |
| wavelet | feedforward | WaveMix's: `x + levels(pyramid(x))` |
| wavelet | segments | `x + bands(x)`, then a channel mixer; `WaveletToken` says what the bands are |
| split | feedforward | `x + feed_forward(spatial(x))`; the feed-forward needs no upsampling here |

Each of the two choices is made for all blocks alike, or changes once on the way: `wavelet_then_split` takes the wavelet
in the first `token.early` of the blocks. They may change at different depths.

Reading order: config, blocks, model, corner points; costs are in `hybrid_costs`, the record in `families/hybrid`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from mixnas.errors import ConfigError
from mixnas.models import splitmixer, wavemix_lite
from mixnas.models.families.splitmixer import axes_of
from mixnas.models.hybrid_costs import (
    DEFAULTS,
    block_choice,
    switch,
    wavemix_axes,
)
from mixnas.models.ratios import is_ratio
from mixnas.models.splitmixer import ACTIVATIONS, SplitMixerConfig, spatial_mixer
from mixnas.models.wavelet import WaveletPyramid, filter_length
from mixnas.models.wavemix_costs import DEFAULTS as WAVEMIX_DEFAULTS
from mixnas.models.wavemix_costs import grid, reduction_of
from mixnas.models.wavemix_lite import ImageModel, WaveMixLiteConfig, check_head, check_levels, crop
from mixnas.records import Candidate, Problem

# ---------------------------------------------------------------------------------------------------------- config

CHOICES: dict[str, tuple[str, ...]] = {
    "stem": ("patches", "strided", "patchify"),
    "token": ("wavelet", "split", "wavelet_then_split", "split_then_wavelet"),
    "channel": ("segments", "feedforward", "segments_then_feedforward", "feedforward_then_segments"),
}


@dataclass(frozen=True)
class HybridConfig:
    """One member of the family: the configs of both its parents, and which block takes what from which.

    Raises:
        ConfigError: an axis is unknown, or a value is not one of its choices or out of range.
        UnknownName: PyWavelets has no discrete wavelet of that name.
    """

    axes: Candidate
    """Every axis of the family with its value, inactive ones too."""
    split: SplitMixerConfig
    wave: WaveMixLiteConfig

    @classmethod
    def from_axes(cls, axes: Candidate) -> HybridConfig:
        """The config of a candidate; axes left out take the family's defaults."""
        unknown = [name for name in axes if name not in DEFAULTS]
        if unknown:
            raise ConfigError(f"hybrid has no axis {', '.join(unknown)}", hint=f"its axes: {', '.join(DEFAULTS)}")
        whole: Any = {**DEFAULTS, **axes}
        try:
            split = SplitMixerConfig(
                **{name: whole[name] for name in ("width", "depth", "activation", "norm")},
                patch_size=whole["stem.patch_size"],
                kernel_size=whole["token.kernel_size"],
                spatial=whole["token.spatial"],
                channel=whole["channel.split"],
                **{
                    name: whole[f"channel.split.{name}"]
                    for name in ("ratio", "segments", "mixes", "shared", "operator")
                },
            )
            wave = WaveMixLiteConfig(
                **{name: whole[name] for name in ("width", "depth", "head_ratio")},
                **{name: whole[f"token.{name}"] for name in ("levels", "wavelet", "upsample")},
                **{name: whole[f"channel.{name}"] for name in ("mult", "dropout", "ff_ratio")},
                stem="strided" if whole["stem"] == "strided" else "patchify",
                stride=whole["stem.stride"],
                patch_size=whole["stem.patch_size"],
            )
        except ConfigError as error:
            raise ConfigError("hybrid: " + error.message.partition(": ")[2], hint=_HINT) from error
        config = cls(whole, split, wave)
        problems = list(config._wrong())
        if problems:
            raise ConfigError("hybrid: " + "; ".join(problems), hint=_HINT)
        return config

    def block(self, number: int) -> tuple[str, str]:
        """What a block takes: `("wavelet" | "split", "segments" | "feedforward")`."""
        return block_choice(self.axes, "token", number), block_choice(self.axes, "channel", number)

    def _wrong(self) -> Iterator[str]:
        for name, choices in CHOICES.items():
            if self.axes[name] not in choices:
                yield f"{name} must be one of {', '.join(choices)}, got {self.axes[name]!r}"
        for name in ("token", "channel"):
            choice, early, depth = str(self.axes[name]), self.axes[f"{name}.early"], self.split.depth
            if not is_ratio(early):
                yield f"{name}.early must be a fraction such as '1/2', got {early!r}"
            elif "_then_" in choice and not 0 < switch(self.axes, name) < depth:
                yield f"{name} {choice} needs blocks of both kinds, but {early} of {depth} blocks leaves only one"


_HINT = "`mixnas space show hybrid` lists the axes and rules"


# ---------------------------------------------------------------------------------------------------------- blocks


class WaveletToken(nn.Module):
    """Mixes positions by a wavelet pyramid, without mixing channels more than its reduction does.

    A 1x1 convolution to a quarter of the channels, the pyramid, and from the deepest level to the finest: enlarge, add
    to the bands of the next level. A level has as many channels as the block, so that a depthwise transposed
    convolution, or an interpolation, can enlarge it. Then activation and norm, as after SplitMixer's convolutions.
    `[B, C, H, W]` to the same.
    """

    def __init__(self, config: HybridConfig) -> None:
        super().__init__()
        width, wave = config.wave.width, config.wave
        self.reduction = nn.Conv2d(width, width // 4, 1)
        self.pyramid = WaveletPyramid(wave.wavelet, wave.levels)
        self.upsample = nn.ModuleList(_enlarge_each(width, wave.upsample) for _ in range(wave.levels))
        self.offset = filter_length(wave.wavelet) // 2 - 1
        self.activation, self.norm = style(config)

    def forward(self, x: Tensor) -> Tensor:
        pyramid = self.pyramid(self.reduction(x))
        sizes = [x.shape[-2:], *(bands.shape[-2:] for bands in pyramid)]
        y = self._enlarge(pyramid[-1], len(pyramid) - 1, sizes)
        for level in reversed(range(len(pyramid) - 1)):
            y = self._enlarge(pyramid[level] + y, level, sizes)
        return cast(Tensor, self.norm(self.activation(y)))

    def _enlarge(self, bands: Tensor, level: int, sizes: list[Any]) -> Tensor:
        return crop(self.upsample[level](bands), sizes[level], self.offset)


class WaveletSegmentsBlock(nn.Module):
    """SplitMixer's block with the wavelet in place of its convolutions. `[B, C, H, W]` to the same."""

    def __init__(self, config: HybridConfig, number: int) -> None:
        super().__init__()
        self.token = WaveletToken(config)
        self.channel = splitmixer.channel_mixer(config.split, number)
        self.activation, self.norm = style(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.token(x)
        return cast(Tensor, self.norm(self.activation(self.channel(x))))


class SplitFeedForwardBlock(nn.Module):
    """WaveMix's block with SplitMixer's convolutions in place of the wavelet. `[B, C, H, W]` to the same."""

    def __init__(self, config: HybridConfig) -> None:
        super().__init__()
        width, hidden = config.wave.width, config.wave.mult * config.wave.width
        self.spatial = spatial_mixer(config.split)
        self.expand = nn.Conv2d(width, hidden, 1)
        self.activation, self.norm = style(config)
        self.dropout = nn.Dropout(config.wave.dropout)
        self.project = nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.dropout(self.activation(self.expand(self.spatial(x))))
        return cast(Tensor, x + self.norm(self.project(mixed)))


def block(config: HybridConfig, number: int) -> nn.Module:
    """The block at that place of the model."""
    found: nn.Module
    match config.block(number):
        case "split", "segments":
            return splitmixer.Block(config.split, number)
        case "wavelet", "segments":
            return WaveletSegmentsBlock(config, number)
        case "split", "feedforward":
            return SplitFeedForwardBlock(config)
        case _:
            found = restyle(wavemix_lite.Block(config.wave), config)
            return found


def style(config: HybridConfig, channels: int | None = None) -> tuple[nn.Module, nn.Module]:
    """Activation and norm of the config; the norm for the width, or for so many channels."""
    channels = config.split.width if channels is None else channels
    norm = nn.BatchNorm2d(channels) if config.split.norm == "batch" else nn.GroupNorm(1, channels)
    return ACTIVATIONS[config.split.activation](), norm


def restyle(part: nn.Module, config: HybridConfig) -> nn.Module:
    """A part of WaveMix with the activation and norm of the config in place of its GELU and batch norm."""
    for name, child in part.named_children():
        if isinstance(child, nn.GELU):
            setattr(part, name, style(config)[0])
        elif isinstance(child, nn.BatchNorm2d):
            setattr(part, name, style(config, child.num_features)[1])
        else:
            restyle(child, config)
    return part


def _enlarge_each(width: int, upsample: str) -> nn.Module:
    """Doubles the sides of every channel by itself."""
    if upsample == "interpolate":
        return nn.Upsample(scale_factor=2, mode="bilinear")
    return nn.ConvTranspose2d(width, width, kernel_size=4, stride=2, padding=1, groups=width)


# ----------------------------------------------------------------------------------------------------------- model


class Hybrid(ImageModel):
    """The model of a config.

    Raises:
        ConfigError: a level would transform a single pixel, or the head cannot undo the stem.
    """

    def __init__(self, config: HybridConfig, problem: Problem) -> None:
        check(config, problem)
        super().__init__(
            stem(config, problem.in_channels),
            nn.Sequential(*(block(config, number) for number in range(config.split.depth))),
            wavemix_lite.head(wavemix_axes(config.axes), problem),
            problem,
            1 if config.axes["stem"] == "strided" else config.split.patch_size,
        )
        self.config = config


def stem(config: HybridConfig, channels: int) -> nn.Sequential:
    """SplitMixer's patch embedding, or one of WaveMix's two stems."""
    if config.axes["stem"] == "patches":
        patch = config.split.patch_size
        return nn.Sequential(nn.Conv2d(channels, config.split.width, patch, stride=patch), *style(config))
    return cast(nn.Sequential, restyle(wavemix_lite.stem(config.wave, channels), config))


def check(config: HybridConfig, problem: Problem) -> None:
    """Refuses what cannot work on the images of the problem.

    Raises:
        ConfigError: a level would transform a single pixel, or the head cannot undo the stem.
    """
    axes = wavemix_axes(config.axes)
    sides = grid(axes, problem)
    if min(sides) < 1:
        raise ConfigError(
            f"hybrid: patch_size {config.split.patch_size} is larger than the image, {problem.height}x{problem.width}",
            hint="take a smaller patch_size or larger images",
        )
    if config.axes["token"] != "split":
        check_levels("hybrid", config.wave.levels, sides, problem)
    check_head("hybrid", reduction_of(axes), problem)


def build(axes: Candidate, problem: Problem) -> Hybrid:
    """The model of a candidate, with PyTorch's default initialisation.

    Raises:
        ConfigError: the axes, or the axes and the problem together, make no model.
        UnknownName: PyWavelets has no discrete wavelet of that name.
    """
    return Hybrid(HybridConfig.from_axes(axes), problem)


# --------------------------------------------------------------------------------------------------- corner points


def from_splitmixer(axes: Candidate) -> Candidate:
    """The axes here of a member of the family `splitmixer`; its weights go over under the same names."""
    moved = {"patch_size": "stem.patch_size", "kernel_size": "token.kernel_size", "spatial": "token.spatial"}
    found: Candidate = {"stem": "patches", "token": "split", "channel": "segments"}
    for name, value in axes_of(axes).items():
        found[moved.get(name, name.replace("channel", "channel.split"))] = value
    return found


def from_wavemix_lite(axes: Candidate) -> Candidate:
    """The axes here of a member of the family `wavemix_lite`; its weights go over under the same names."""
    whole = {**WAVEMIX_DEFAULTS, **axes}
    unused = {"stem.patch_size" if whole["stem"] == "strided" else "stem.stride"}
    if whole["transform"] == "dwt":
        unused.add("transform")  # there is no other here
    if whole["upsample"] == "interpolate":
        unused.add("upsample.ff_ratio")
    moved = {name: f"token.{name}" for name in ("levels", "wavelet", "upsample")}
    moved |= {"mult": "channel.mult", "dropout": "channel.dropout", "upsample.ff_ratio": "channel.ff_ratio"}
    found: Candidate = {"token": "wavelet", "channel": "feedforward"}
    found.update({moved.get(name, name): value for name, value in whole.items() if name not in unused})
    return found
