"""The constructor arguments of a published model: read from a file, checked, and completed from the weights' shapes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixnas.errors import ConfigError, UnknownName
from mixnas.models.reference_shapes import Arguments, Reading, Shapes, read_shapes, recognise
from mixnas.printable import printable
from mixnas.records import Value
from mixnas.safe_yaml import parse

LARGEST_FILE = 1 << 20
"""Bytes."""

LARGEST_NUMBER = 65_536
"""No size in a model config may be larger."""

_SPLIT: dict[str, type] = {"hdim": int, "num_blocks": int, "kernel_size": int, "patch_size": int, "num_classes": int}
_SPLIT |= {"in_channels": int, "spatial_trick": bool, "act_layer": str}
_WAVE: dict[str, type] = {
    "depth": int,
    "mult": int,
    "ff_channel": int,
    "final_dim": int,
    "dropout": float,
    "level": int,
}
_WAVE |= {"in_channels": int, "initial_conv": str}

ARGUMENTS: dict[str, dict[str, type]] = {
    "SplitMixer": {**_SPLIT, "channel_trick": bool, "mixer_setting": str, "ratio": float, "num_segments": int},
    "StrideMixer": {**_SPLIT, "channel_kernel_size": int, "channel_stride": int},
    "ConvMixer": {
        **{"dim": int, "depth": int, "kernel_size": int, "patch_size": int, "num_classes": int, "in_chans": int},
        **{"act_layer": str, "global_pool": str},
    },
    "WaveMix": {**_WAVE, "num_classes": int, "stride": int, "patch_size": int},
    "WaveMixSegmentation": {**_WAVE, "num_classes": int, "stride": int},
    "WaveMixSuperResolution": _WAVE,
}
"""Reference class to its constructor arguments."""

COMMON: dict[str, type] = {"model": str, "task": str, "image_size": int, "num_params": int}
"""What a config may say besides."""

_TYPES = {int: f"a whole number from 1 to {LARGEST_NUMBER}", float: "a number", bool: "true or false", str: "a text"}


@dataclass(frozen=True)
class Completed:
    """Every constructor argument, and where it is from: `inferred` from shapes, `assumed` where nothing tells it."""

    arguments: Mapping[str, Value]
    inferred: Mapping[str, Value]
    assumed: Mapping[str, Value]


def read_arguments(path: str | Path) -> dict[str, Any]:
    """Reads `--config`: JSON, or YAML where the extension says so.

    Raises:
        ConfigError: it cannot be read, or is no mapping.
    """
    path = Path(path)
    hint = 'it holds the reference\'s constructor arguments, for example {"model": "SplitMixer", "hdim": 256}'
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path} has {path.stat().st_size:,} bytes, a config at most {LARGEST_FILE:,}", hint)
        text = path.read_text(encoding="utf-8")
        data = parse(text, str(path)) if path.suffix.lower() in (".yaml", ".yml") else json.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}", hint) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error or 'nested too deeply'}", hint) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds a {type(data).__name__}, not named arguments", hint)
    return data


def complete(given: Mapping[str, Any], shapes: Shapes, image_size: int | None = None, infer: bool = True) -> Completed:
    """The arguments of the config, completed by what the shapes tell; `image_size` counts before the config's.

    Raises:
        UnknownName: the config names an unknown class or argument.
        ConfigError: a value has the wrong type, contradicts the shapes, or is missing and cannot be told from them.
    """
    model = _model(given, shapes)
    _check_values(model, given)
    reading = read_shapes(model, shapes) if infer else Reading({})
    known = reading.told | _option(model, reading, given)
    wrong = [f"{k} = {given[k]!r}, the weights say {v!r}" for k, v in known.items() if not _agrees(given, known, k, v)]
    if wrong:
        raise ConfigError(f"the config contradicts the weights: {'; '.join(wrong)}", hint="leave out what is wrong")
    for name, what in reading.needed.items():
        if name not in given:
            raise ConfigError(f"the weights of {model} do not tell {name}", hint=f'add "{name}" to --config: {what}')
    inferred = {"model": model, **known}
    assumed: Arguments = {"image_size": 32, **reading.assumed}
    stated = {**given, **({"image_size": image_size} if image_size else {})}
    return Completed(
        arguments={**assumed, **inferred, **stated},
        inferred={name: value for name, value in inferred.items() if name not in stated},
        assumed={name: value for name, value in assumed.items() if name not in stated},
    )


def _model(given: Mapping[str, Any], shapes: Shapes) -> str:
    model = str(given.get("model", "")) or recognise(shapes)
    if model in ARGUMENTS:
        return model
    if model:
        raise UnknownName("reference model", printable(model), ARGUMENTS)
    first = ", ".join(printable(name) for name in list(shapes)[:4])
    raise ConfigError(
        f"the weights have no published model's names; they begin with {first or 'nothing'}",
        hint=f'known: {", ".join(ARGUMENTS)}; name one as "model" in --config to see what does not match, or, for a '
        "SplitMixer under other names, add --by-order",
    )


def _check_values(model: str, given: Mapping[str, Any]) -> None:
    known = COMMON | ARGUMENTS[model]
    for name, value in given.items():
        if name not in known:
            raise UnknownName(f"argument of {model}", printable(name), known)
        kind = known[name]
        fits = type(value) is kind or (kind is float and type(value) is int)
        if fits and kind is int and name != "num_params":
            fits = 1 <= value <= LARGEST_NUMBER
        if not fits or (kind is float and not math.isfinite(value)):
            raise ConfigError(
                f"the config of {model} needs {_TYPES[kind]} for {name}, got {printable(repr(value), 60)}"
            )


def _option(model: str, reading: Reading, given: Mapping[str, Any]) -> Arguments:
    """The one option that the config leaves open."""
    options = reading.options
    left = [o for o in options if all(_agrees(given, {**reading.told, **o}, name, o[name]) for name in o)]
    if not options or len(left) == 1:
        return left[0] if left else {}
    keys = [name for name in ("channel_trick", "mixer_setting", "ratio", "num_segments") if name in given]
    listed = "; ".join(_listed(option) for option in left or options)
    if not left:
        said = _listed({name: given[name] for name in keys})
        raise ConfigError(f"the config contradicts the weights: it says {said}; their shapes fit {listed}")
    raise ConfigError(
        f"several settings of {model} have weights of these shapes: {listed}",
        hint='add "mixer_setting" to --config, and where that leaves several, "num_segments" or "ratio"',
    )


def _agrees(given: Mapping[str, Any], known: Arguments, name: str, value: Value) -> bool:
    """Whether the config says nothing else. A ratio says how many channels; `pachify` may be spelt in full."""
    if name not in given:
        return True
    if name == "ratio" and "hdim" in known:
        return int(int(known["hdim"]) * given[name]) == int(int(known["hdim"]) * float(value))
    if name == "initial_conv":
        return str(given[name]).replace("patch", "pach") == value
    return bool(given[name] == value)


def _listed(arguments: Mapping[str, Any]) -> str:
    shown = {k: v for k, v in arguments.items() if k != "channel_trick" or not v or len(arguments) == 1}
    return " with ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown.items())
