"""Constructor arguments of timm's ConvMixer, in this project's words (see `mixnas.models.reference`).

timm's names: `stem.0` (patch convolution), `stem.2` (norm), `blocks.{i}.0.fn.0` and `.2` (depthwise convolution and
norm), `blocks.{i}.1` (1x1 convolution), `blocks.{i}.3` (norm), `head`.
"""

from __future__ import annotations

from mixnas.errors import ConfigError
from mixnas.models.families.splitmixer import SETTINGS, axes_of
from mixnas.models.reference import Config, Translation, whole_numbers
from mixnas.models.splitmixer import SplitMixerConfig
from mixnas.models.splitmixer_reference import activation_of
from mixnas.records import Candidate, Problem


def translate_convmixer(config: Config) -> Translation:
    """The class `ConvMixer` of `timm.models.convmixer`, with average pooling.

    Raises:
        ConfigError: an argument without default is missing, or a value is wrong.
    """
    width, depth, kernel, patch, classes = whole_numbers(
        config, "dim", "depth", "kernel_size", "patch_size", "num_classes"
    )
    if config.get("global_pool", "avg") != "avg":
        raise ConfigError(f"ConvMixer: global_pool must be avg, got {config['global_pool']!r}")
    choices: Candidate = {**SETTINGS["convmixer"], "activation": activation_of(config)}
    axes = axes_of(choices, width=width, depth=depth, kernel_size=kernel, patch_size=patch)
    SplitMixerConfig.from_axes(axes)
    problem = Problem.square(config.get("image_size", 224), config.get("in_chans", 3), classes)
    return Translation("splitmixer", axes, problem, _modules(depth))


def _modules(depth: int) -> dict[str, str]:
    """Our module names to timm's."""
    modules = {"stem.0": "stem.0", "stem.2": "stem.2", "head.2": "head"}
    for i in range(depth):
        modules |= {f"blocks.{i}.spatial.{j}": f"blocks.{i}.0.fn.{j}" for j in (0, 2)}
        modules |= {f"blocks.{i}.channel": f"blocks.{i}.1", f"blocks.{i}.norm": f"blocks.{i}.3"}
    return modules
