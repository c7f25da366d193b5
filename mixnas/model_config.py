"""The model config file: one architecture as readable YAML, with where it came from. No torch.

    format: mixnas-model/1
    family: splitmixer
    axes: {width: 64, depth: 4, ...}
    problem:
      task: classification
      input: [1, 8, 8]
      num_classes: 10
    weights: model.safetensors        # beside the config; null where there are none
    normalisation: {mean: [0.3], std: [0.37]}
    provenance: {study: ..., trial: ..., ...}

A config may come from anyone: it is read by YAML's safe loader, without aliases, and may only name weights that lie
in its own folder or below.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from mixnas.data import Normalisation
from mixnas.errors import ConfigError
from mixnas.records import Candidate, Problem, Task
from mixnas.safe_yaml import dump, parse

FORMAT = "mixnas-model/1"
LARGEST_FILE = 1 << 20
"""Bytes."""

_HEAD = """\
# A mixnas model. In Python:   mixnas.load_model("{name}")
# Train it in full:            mixnas train {name} --dataset NAME --epochs N
# What it costs:               mixnas profile {name}
"""


@dataclass(frozen=True)
class ModelConfig:
    """One architecture for one problem. `provenance` says where it came from: study, trial, metrics, versions, ..."""

    family: str
    axes: Candidate
    problem: Problem
    weights: str | None = None
    """Path of a safetensors file, relative to the config's folder, with forward slashes."""
    normalisation: Normalisation | None = None
    """What the weights expect of an image."""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The name of the architecture, as a search space gives it to the same axes in canonical form."""
        text = json.dumps([self.family, self.axes], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_config(config: ModelConfig, path: str | Path) -> None:
    """Writes the file, whole or not at all.

    Raises:
        ConfigError: the config would not be read back: a wrong field, or data in it that YAML cannot hold.
        OSError: the folder cannot be written to.
    """
    data = _to_data(config)
    _check_data(data, f"config for {path}")
    try:
        body = dump(data)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: provenance holds what YAML cannot: {error}") from error
    write_whole(Path(path), (_HEAD.format(name=Path(path).name) + body).encode())


def read_config(path: str | Path) -> ModelConfig:
    """Reads a config file.

    Raises:
        ConfigError: it cannot be read; the error names the field, its value and what was expected.
    """
    data = parse(_text_of(Path(path)), str(path))
    return _from_file(_check_data(data, str(path)))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file beside it and renames that, so that nobody ever sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


# ------------------------------------------------------------------------------------------------ the file's schema

_HINT = f"format {FORMAT}, as `mixnas export` writes"
_STRICT = ConfigDict(extra="forbid")
_Side = Annotated[StrictInt, Field(ge=1, le=65536)]
_Value = StrictBool | StrictInt | StrictFloat | StrictStr
_Number = Annotated[StrictFloat | StrictInt, Field(allow_inf_nan=False)]
_Positive = Annotated[StrictFloat | StrictInt, Field(gt=0, allow_inf_nan=False)]


@checked(frozen=True, config=_STRICT)
class _FileProblem:
    task: Task
    input: tuple[_Side, _Side, _Side]
    num_classes: _Side


@checked(frozen=True, config=_STRICT)
class _FileNormalisation:
    mean: list[_Number]
    std: list[_Positive]


@checked(frozen=True, config=_STRICT)
class _File:
    format: Literal["mixnas-model/1"]
    family: StrictStr
    axes: dict[StrictStr, _Value]
    problem: _FileProblem
    weights: StrictStr | None = None
    normalisation: _FileNormalisation | None = None
    provenance: dict[StrictStr, Any] = Field(default_factory=dict)


_FILE: TypeAdapter[_File] = TypeAdapter(_File)


def _check_data(data: Any, where: str) -> _File:
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected fields such as family and axes, found {_shown(data)}", hint=_HINT)
    try:
        file = _FILE.validate_python(data)
    except ValidationError as error:
        raise _explained(error, where) from error
    if file.weights is not None:
        _check_weights(file.weights, where)
    channels = file.problem.input[0]
    for name in ("mean", "std") if file.normalisation else ():
        if len(getattr(file.normalisation, name)) != channels:
            raise ConfigError(
                f"{where}: normalisation.{name} has {len(getattr(file.normalisation, name))} numbers, "
                f"problem.input has {channels} channels",
                hint="give one number a channel",
            )
    return file


def _check_weights(weights: str, where: str) -> None:
    """A config from someone else must not make us open files all over the machine."""
    windows, posix = PureWindowsPath(weights), PurePosixPath(weights)
    if not weights or ".." in windows.parts or windows.anchor or posix.is_absolute() or "\0" in weights:
        raise ConfigError(
            f"{where}: weights is {weights!r}, which leaves the config's folder",
            hint="name a file beside the config, for example weights: model.safetensors",
        )


def _explained(error: ValidationError, where: str) -> ConfigError:
    """The first problems with the field's path, the value and what was expected."""
    lines = []
    for problem in error.errors(include_url=False)[:5]:
        place = ".".join(_readable(problem["loc"]))
        lines.append(f"{place or 'the file'}: {_expected(problem)}")
    more = error.error_count() - len(lines)
    if more > 0:
        lines.append(f"and {more} more")
    return ConfigError(
        f"{where}: {'; '.join(dict.fromkeys(lines))}", hint=f"format {FORMAT}, as `mixnas export` writes"
    )


def _readable(place: tuple[int | str, ...]) -> list[str]:
    """Without the names of the union members that pydantic appends."""
    members = {"bool", "int", "float", "str", "[key]"}
    kept = [str(part) for part in place]
    while len(kept) > 1 and kept[-1] in members:
        kept.pop()
    return kept


def _expected(problem: Any) -> str:
    kind, value = problem["type"], problem["input"]
    shown = _shown(value)
    if kind == "missing":
        return "missing"
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return "unknown field"
    if kind.endswith("_type") and len(problem["loc"]) > 1 and problem["loc"][0] == "axes":
        return f"expected a number, true, false or a text, found {shown}"
    message = str(problem["msg"])
    return f"{message[0].lower()}{message[1:]}, found {shown}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    shown = repr(value) if isinstance(value, bool | int | float | str) else f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _to_data(config: ModelConfig) -> dict[str, Any]:
    problem = config.problem
    normalised = config.normalisation
    return {
        "format": FORMAT,
        "family": config.family,
        "axes": dict(config.axes),
        "problem": {"task": problem.task, "input": list(problem.input), "num_classes": problem.num_classes},
        "weights": config.weights,
        "normalisation": normalised and {"mean": list(normalised.mean), "std": list(normalised.std)},
        "provenance": _plain(config.provenance),
    }


def _from_file(file: _File) -> ModelConfig:
    channels, height, width = file.problem.input
    given = file.normalisation
    return ModelConfig(
        family=file.family,
        axes=dict(file.axes),
        problem=Problem(file.problem.task, channels, height, width, file.problem.num_classes),
        weights=file.weights,
        normalisation=Normalisation(tuple(map(float, given.mean)), tuple(map(float, given.std))) if given else None,
        provenance=file.provenance,
    )


def _plain(value: Any) -> Any:
    """Mappings and sequences of the records as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(
                f"{path} has {path.stat().st_size:,} bytes, a model config has at most {LARGEST_FILE:,}",
                hint="weights belong in a safetensors file beside it",
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror or error}", hint="`mixnas export` writes a model config"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file: {error}", hint="a model config is YAML in UTF-8") from error
