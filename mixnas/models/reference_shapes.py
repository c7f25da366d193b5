"""What the names and shapes of a published model's state dict tell of its constructor arguments.

Nearly everything: sizes are read off one tensor each, counts off the names. What shapes cannot tell is either assumed
aloud (`assumed`), because it is a default or changes no output, or must be given (`needed`). One segment mixed a block
and one shared weight can have equal shapes (SplitMixer-II and -III of equal segments): then `options` has several
entries, and the caller has to choose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mixnas.records import Value

Shapes = Mapping[str, tuple[int, ...]]
"""Name in the reference's state dict to shape."""

Arguments = dict[str, Value]
"""The reference's constructor arguments under its names."""

RATIOS = (2 / 3, 3 / 5, 4 / 7, 5 / 9, 6 / 11)
"""The paper's overlap ratios (arXiv:2207.10255)."""


@dataclass(frozen=True)
class Reading:
    """`told` holds for certain; so does exactly one of `options`, unless there are none, when nothing is known."""

    told: Arguments
    options: tuple[Arguments, ...] = ()
    assumed: Arguments = field(default_factory=dict)
    needed: Mapping[str, str] = field(default_factory=dict)
    """Argument to what may stand there."""


def recognise(shapes: Shapes) -> str:
    """The reference class whose names these are; empty where they are no one's."""
    for model, pattern in _SIGNS.items():
        if any(re.match(pattern, name) for name in shapes):
            return model
    return ""


def read_shapes(model: str, shapes: Shapes) -> Reading:
    """What the state dict tells of the arguments of that class. What is missing from it or odd in it tells nothing."""
    return _READERS[model](shapes)


_SIGNS = {
    "SplitMixer": r"mixer_blocks\.\d+\.",
    "StrideMixer": r"(spatial|channel)_mixer\.\d+\.",
    "ConvMixer": r"blocks\.\d+\.0\.fn\.0\.",
    "WaveMixSegmentation": r"expand\.2\.",
    "WaveMixSuperResolution": r"expand\.[01]\.",
    "WaveMix": r"layers\.\d+\.(reduction|feedforward)",
}
"""Class to a name that only its state dict has, the most telling first."""


# --------------------------------------------------------------------------------------------------------- SplitMixer


def _splitmixer(shapes: Shapes) -> Reading:
    told = _patches(shapes) | _sizes(shapes, num_classes=("head.weight", 0, 2))
    told["num_blocks"] = (_count(shapes, r"mixer_blocks\.(\d+)\.") + 1) // 2
    told |= _spatial(shapes, "mixer_blocks.0.fn")
    return Reading(told, tuple(_settings(shapes, told)), assumed=_activation(told, "hdim", "num_blocks"))


def _stridemixer(shapes: Shapes) -> Reading:
    told = _patches(shapes) | _sizes(shapes, num_classes=("head.2.weight", 0, 2))
    told["num_blocks"] = _count(shapes, r"(?:spatial|channel)_mixer\.(\d+)\.")
    told |= _spatial(shapes, "spatial_mixer.0.fn")
    sizes = _sizes(shapes, outputs=("channel_mixer.0.0.weight", 0, 5), kernel=("channel_mixer.0.0.weight", 2, 5))
    if len(sizes) == 2 and "hdim" in told:
        width, kernel, outputs = int(told["hdim"]), int(sizes["kernel"]), int(sizes["outputs"])
        told["channel_kernel_size"] = kernel
        if width % kernel == 0 and outputs == kernel:
            told["channel_stride"] = kernel
        elif kernel < width and 2 * outputs == width:
            told["channel_stride"] = width - kernel
    return Reading(told, assumed=_activation(told, "hdim", "num_blocks"))


def _activation(told: Arguments, width: str, depth: str) -> Arguments:
    """Of the published ConvMixers and SplitMixers, those of 768/32 for ImageNet have ReLU."""
    size = tuple(told.get(name) for name in (width, depth, "kernel_size", "patch_size"))
    return {"act_layer": "ReLU" if size == (768, 32, 7, 7) else "GELU"}


def _patches(shapes: Shapes) -> Arguments:
    name = "patch_emb.0.weight"
    return _sizes(shapes, hdim=(name, 0, 4), in_channels=(name, 1, 4), patch_size=(name, 2, 4))


def _spatial(shapes: Shapes, module: str) -> Arguments:
    """Whether the spatial convolution is two 1-D ones, and their size."""
    kernel = shapes.get(f"{module}.0.weight", ())
    if len(kernel) != 4:
        return {}
    return {"kernel_size": max(kernel[2:]), "spatial_trick": f"{module}.3.weight" in shapes}


def _settings(shapes: Shapes, told: Arguments) -> Iterator[Arguments]:
    """Every way to mix channels that fits the shapes."""
    first = "mixer_blocks.1.0"
    if f"{first}.weight" in shapes:
        yield {"channel_trick": False}
    width = told.get("hdim")
    if not isinstance(width, int):
        return
    both = shapes.get(f"{first}.mixer1.weight", ())
    if len(both) == 4 and 0 < both[0] < width:
        yield {"channel_trick": True, "mixer_setting": "V", "ratio": _ratio(both[0], width)}
    if f"{first}.mixer.0.weight" in shapes:
        count = _count(shapes, r"mixer_blocks\.1\.0\.mixer\.(\d+)\.")
        yield {"channel_trick": True, "mixer_setting": "IV", "num_segments": count}
    mixers = [shapes.get(f"mixer_blocks.{2 * i + 1}.0.mixer.weight", ()) for i in range(int(told["num_blocks"]))]
    if mixers and all(len(shape) == 4 and shape[0] > 0 for shape in mixers):
        yield from _one_weight([shape[0] for shape in mixers], width)


def _one_weight(segments: list[int], width: int) -> Iterator[Arguments]:
    """Settings with one weight a block, by the number of channels that each block mixes."""
    size = segments[0]
    equal = set(segments) == {size}
    if equal and size < width:
        yield {"channel_trick": True, "mixer_setting": "I", "ratio": _ratio(size, width)}
    for count in range(width // (size + 1) + 1, width // size + 1):
        last = width - (count - 1) * size
        if segments == [last if i % count == count - 1 else size for i in range(len(segments))]:
            yield {"channel_trick": True, "mixer_setting": "II", "num_segments": count}
    if equal and width % size == 0:
        yield {"channel_trick": True, "mixer_setting": "III", "num_segments": width // size}


def _ratio(segment: int, width: int) -> float:
    """A ratio that gives the segment; the paper's where one does."""
    ratios = (*RATIOS, segment / width, (segment + 0.5) / width)  # the half outweighs any rounding of floats
    return next(ratio for ratio in ratios if int(width * ratio) == segment)


# ------------------------------------------------------------------------------------------------- timm's ConvMixer


def _convmixer(shapes: Shapes) -> Reading:
    told = _sizes(
        shapes,
        dim=("stem.0.weight", 0, 4),
        in_chans=("stem.0.weight", 1, 4),
        patch_size=("stem.0.weight", 2, 4),
        kernel_size=("blocks.0.0.fn.0.weight", 2, 4),
        num_classes=("head.weight", 0, 2),
    )
    told["depth"] = _count(shapes, r"blocks\.(\d+)\.")
    return Reading(told, assumed=_activation(told, "dim", "depth"))


# ------------------------------------------------------------------------------------------------------------ WaveMix


def _classification(shapes: Shapes) -> Reading:
    told = _wavemix(shapes) | _sizes(shapes, num_classes=("pool.2.weight", 0, 2))
    if "conv.4.weight" in shapes:
        told |= {"initial_conv": "pachify", **_sizes(shapes, patch_size=("conv.2.weight", 2, 4))}
        return Reading(told, assumed={"dropout": 0.5})
    told["initial_conv"] = "strided"
    return Reading(told, assumed={"dropout": 0.5}, needed={"stride": "1 or 2: the stride of its first convolutions"})


def _segmentation(shapes: Shapes) -> Reading:
    told = _wavemix(shapes) | _sizes(shapes, num_classes=("expand.2.weight", 0, 4))
    return Reading({**told, "stride": 2}, assumed={"dropout": 0.5})


def _super_resolution(shapes: Shapes) -> Reading:
    return Reading(_wavemix(shapes), assumed={"dropout": 0.5})


def _wavemix(shapes: Shapes) -> Arguments:
    several = _count(shapes, r"layers\.0\.feedforward(\d+)\.") - 1
    finest = "layers.0.feedforward1" if several > 0 else "layers.0.feedforward"
    told = _sizes(
        shapes,
        final_dim=("layers.0.reduction.weight", 1, 4),
        ff_channel=(f"{finest}.3.weight", 0, 4),
        in_channels=("conv.0.weight", 1, 4),
    )
    told |= {"depth": _count(shapes, r"layers\.(\d+)\."), "level": max(several, 1)}
    hidden = _sizes(shapes, channels=(f"{finest}.0.weight", 0, 4))
    if hidden and "final_dim" in told and int(hidden["channels"]) % int(told["final_dim"]) == 0:
        told["mult"] = int(hidden["channels"]) // int(told["final_dim"])
    return told


# ------------------------------------------------------------------------------------------------------------- shared

_READERS: dict[str, Callable[[Shapes], Reading]] = {
    "SplitMixer": _splitmixer,
    "StrideMixer": _stridemixer,
    "ConvMixer": _convmixer,
    "WaveMix": _classification,
    "WaveMixSegmentation": _segmentation,
    "WaveMixSuperResolution": _super_resolution,
}


def _sizes(shapes: Shapes, **places: tuple[str, int, int]) -> Arguments:
    """Argument to one side of a tensor: its name, the side, and the number of sides it must have."""
    found: Arguments = {}
    for argument, (name, side, sides) in places.items():
        shape = shapes.get(name, ())
        if len(shape) == sides and shape[side] > 0:
            found[argument] = shape[side]
    return found


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the highest number in the names, but no more than there are names: they may come from anyone."""
    numbers = [int(match[1]) for name in shapes if (match := re.match(pattern, name)) and len(match[1]) < 6]
    return min(max(numbers, default=-1) + 1, len(shapes))
