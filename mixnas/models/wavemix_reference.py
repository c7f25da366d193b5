"""Constructor arguments of the published WaveMix code, in this project's words (see `mixnas.models.reference`).

The width of the feed-forward arrives as a number of channels there and is a share of the width here.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mixnas.errors import ConfigError
from mixnas.models.reference import Config, Translation, whole_numbers
from mixnas.models.wavemix_costs import DEFAULTS
from mixnas.records import Candidate, Problem, Task

STEMS = {"strided": "strided", "pachify": "patchify", "patchify": "patchify"}
"""Values of `initial_conv`; the published code leaves out a t."""

_LAYERS = {"0": "expand", "3": "project", "4": "upsample", "5": "norm"}
"""Indices of the reference's feed-forward that hold weights, with our names."""


def translate_classification(config: Config) -> Translation:
    """The classifier.

    Raises:
        ConfigError: an argument is missing or wrong.
    """
    (classes,) = whole_numbers(config, "num_classes")
    stem = {"conv.0": "stem.0", "conv.1": "stem.1"}
    if _stem(config) == "patchify":
        stem |= {"conv.2": "stem.2", "conv.4": "stem.4"}
    return _translate(config, "classification", classes, stem | {"pool.2": "head.2"})


def translate_segmentation(config: Config) -> Translation:
    """The model with two transposed convolutions before the last 1x1 convolution.

    Raises:
        ConfigError: an argument is missing or wrong, or the stem does not make images four times smaller.
    """
    classes, stride = whole_numbers(config, "num_classes", "stride")
    if stride != 2:
        raise ConfigError(
            f"WaveMixSegmentation with stride {stride} gives an output of another size than its input",
            hint="its head makes four times larger what a stride of 2 makes four times smaller",
        )
    return _translate(config, "segmentation", classes, _dense(doublings=2))


def translate_super_resolution(config: Config) -> Translation:
    """The model that doubles the sides of an RGB image.

    Raises:
        ConfigError: an argument is missing or wrong.
    """
    channels = int(config.get("in_channels", 3))
    return _translate({**config, "stride": 1}, "super_resolution", channels, _dense(doublings=1))


def _dense(doublings: int) -> dict[str, str]:
    """Modules of the strided stem and of a dense head, theirs to ours."""
    head = {f"expand.{number}": f"head.{number}" for number in range(doublings + 1)}
    return {"conv.0": "stem.0", "conv.1": "stem.1", **head}


def _translate(config: Config, task: Task, num_classes: int, outside: Mapping[str, str]) -> Translation:
    """`outside` maps modules outside the blocks, theirs to ours."""
    depth, levels = whole_numbers(config, "depth", "level")
    modules = dict(outside)
    for block in range(depth):
        modules[f"layers.{block}.reduction"] = f"blocks.{block}.reduction"
        for level in range(levels):
            theirs = f"layers.{block}.feedforward{level + 1 if levels > 1 else ''}"
            ours = f"blocks.{block}.levels.{level}"
            modules.update({f"{theirs}.{index}": f"{ours}.{name}" for index, name in _LAYERS.items()})
    axes = _axes(config)
    # The weights fit images of any size; where none is told, take one that is large enough for every level.
    size = int(config.get("image_size", 256))
    problem = Problem.square(size, int(config.get("in_channels", 3)), num_classes, task)
    return Translation("wavemix_lite", axes, problem, {ours: theirs for theirs, ours in modules.items()})


def _axes(config: Config) -> Candidate:
    width, depth, levels, mult, ff = whole_numbers(config, "final_dim", "depth", "level", "mult", "ff_channel")
    stem = _stem(config)
    size: Candidate
    if stem == "strided":
        size = {"stem.stride": whole_numbers(config, "stride")[0]}
    else:
        size = {"stem.patch_size": whole_numbers(config, "patch_size")[0]}
    return {
        "width": width,
        "depth": depth,
        "levels": levels,
        "wavelet": "haar",
        "mult": mult,
        "dropout": float(config.get("dropout", DEFAULTS["dropout"])),
        "stem": stem,
        **size,
        "upsample": "deconv",
        "upsample.ff_ratio": str(Fraction(ff, width)) if width > 0 else "1",
    }


def _stem(config: Config) -> str:
    name = config.get("initial_conv", "strided" if config.get("model") != "WaveMix" else None)
    if name not in STEMS:
        raise ConfigError(
            f"the config of {config.get('model')} has initial_conv {name!r}", hint=f"it is one of: {', '.join(STEMS)}"
        )
    return STEMS[name]
