"""Constructor arguments of the published SplitMixer code, in this project's words (see `mixnas.models.reference`).

A segment ratio arrives as a float there, and the reference takes int(hdim * ratio) channels. Here a ratio is a
fraction, so the float is turned into the fraction `channels/hdim`, which gives the same segment for every float. The
detour matters: 6/11 as a float falls one channel short of floor(hdim * 6 / 11) at 81 of the widths up to 2048, all
multiples of 11 (55, 99, 110, 187, ...); 2/3, 3/5, 4/7 and 5/9 agree at every width up to 2048; and a ratio written
with four digits, such as 0.6666, falls short at every multiple of the denominator (15 instead of 16 channels at 24).
"""

from __future__ import annotations

from mixnas.errors import ConfigError
from mixnas.models.families.splitmixer import SETTINGS, axes_of
from mixnas.models.reference import Config, Translation, whole_numbers
from mixnas.models.splitmixer import ACTIVATIONS, SplitMixerConfig
from mixnas.records import Candidate, Problem


def translate_splitmixer(config: Config) -> Translation:
    """The class `SplitMixer`: settings I to V, each trick on or off, ConvMixer with both off.

    Arguments with a default there may be left out: `mixer_setting` I, `ratio` 2/3, `num_segments` 2, both tricks on.

    Raises:
        ConfigError: an argument without default is missing, or a value is wrong.
    """
    width, depth = whole_numbers(config, "hdim", "num_blocks")
    choices: Candidate = {"channel": "dense"}
    if config.get("channel_trick", True):
        choices = _setting(config, width)
    axes = _axes(config, choices)
    return Translation("splitmixer", axes, _problem(config), _modules(axes, depth, "mixer_blocks"))


def translate_stridemixer(config: Config) -> Translation:
    """The class `StrideMixer`: a 3-D convolution with a kernel and a stride over the channels.

    Raises:
        ConfigError: an argument is missing, or kernel and stride are neither those of equal segments (kernel =
            stride, which divides hdim) nor those of two overlapping ones (kernel + stride = hdim).
    """
    width, depth, kernel, stride = whole_numbers(config, "hdim", "num_blocks", "channel_kernel_size", "channel_stride")
    choices: Candidate = {"channel.mixes": "all", "channel.shared": True, "channel.operator": "conv3d"}
    if kernel == stride and width % kernel == 0:
        choices |= {"channel": "disjoint", "channel.segments": width // kernel}
    elif kernel + stride == width:
        choices |= {"channel": "overlap", "channel.ratio": f"{kernel}/{width}"}
    else:
        raise ConfigError(
            f"StrideMixer: channel_kernel_size {kernel} and channel_stride {stride} do not cut {width} channels evenly",
            hint="take kernel = stride dividing hdim, or kernel + stride = hdim",
        )
    axes = _axes(config, choices)
    return Translation("splitmixer", axes, _problem(config), _modules(axes, depth, "channel_mixer"))


def _setting(config: Config, width: int) -> Candidate:
    setting = config.get("mixer_setting", "I")
    name = f"splitmixer-{setting}"
    if name not in SETTINGS:
        raise ConfigError(f"SplitMixer: mixer_setting must be I, II, III, IV or V, got {setting!r}")
    choices = dict(SETTINGS[name])
    if choices["channel"] == "disjoint":
        return choices | {"channel.segments": config.get("num_segments", 2)}
    ratio = config.get("ratio", 2 / 3)
    if not isinstance(ratio, (int, float)) or not 0 < ratio < 1:
        raise ConfigError(f"SplitMixer: ratio must be a number between 0 and 1, got {ratio!r}")
    return choices | {"channel.ratio": f"{int(width * ratio)}/{width}"}


def _axes(config: Config, choices: Candidate) -> Candidate:
    width, depth, kernel, patch = whole_numbers(config, "hdim", "num_blocks", "kernel_size", "patch_size")
    spatial = "separable" if config.get("spatial_trick", True) else "depthwise"
    sizes: Candidate = {"width": width, "depth": depth, "kernel_size": kernel, "patch_size": patch}
    axes = axes_of(choices, **sizes, spatial=spatial, activation=activation_of(config))
    SplitMixerConfig.from_axes(axes)
    return axes


def activation_of(config: Config) -> str:
    """The activation of `act_layer`, timm's argument for it: GELU where it is left out, as in the notebook.

    Raises:
        ConfigError: it is none of GELU, ReLU and SiLU.
    """
    layer = str(config.get("act_layer", "GELU"))
    if layer.lower() not in ACTIVATIONS:
        raise ConfigError(f"{config.get('model')}: act_layer must be one of GELU, ReLU, SiLU, got {layer!r}")
    return layer.lower()


def _problem(config: Config) -> Problem:
    (classes,) = whole_numbers(config, "num_classes")
    return Problem.square(config.get("image_size", 32), config.get("in_channels", 3), classes)


def _modules(axes: Candidate, depth: int, layout: str) -> dict[str, str]:
    """Our module names to the reference's: `layout` is the name of the list that holds its channel mixers."""
    strided = layout == "channel_mixer"
    modules = {"stem.0": "patch_emb.0", "stem.2": "patch_emb.2", "head.2": "head.2" if strided else "head"}
    mixers = _channel_modules(axes)
    for i in range(depth):
        spatial = f"spatial_mixer.{i}" if strided else f"mixer_blocks.{2 * i}"
        channel = f"channel_mixer.{i}" if strided else f"mixer_blocks.{2 * i + 1}"
        modules |= {f"blocks.{i}.spatial.{j}": f"{spatial}.fn.{j}" for j in (0, 2, 3, 5)}
        modules |= {f"blocks.{i}.channel{mine}": f"{channel}.0{theirs}" for mine, theirs in mixers.items()}
        modules[f"blocks.{i}.norm"] = f"{channel}.{3 if strided else 2}"
    return modules


def _channel_modules(axes: Candidate) -> dict[str, str]:
    """Names below the channel mixer, ours to the reference's."""
    if axes["channel"] == "dense" or axes["channel.operator"] == "conv3d":
        return {"": ""}
    if axes["channel.mixes"] == "one":
        return {".convolutions.0": ".mixer"}
    if axes["channel"] == "overlap":
        return {".convolutions.0": ".mixer1", ".convolutions.1": ".mixer2"}
    if axes["channel.shared"]:
        return {".convolution": ".mixer"}
    return {f".convolutions.{j}": f".mixer.{j}" for j in range(int(axes["channel.segments"]))}
