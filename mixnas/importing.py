"""From a checkpoint of a published reference implementation to a model config and safetensors.

Known names: the SplitMixer notebook's (`SplitMixer`, `StrideMixer`), those of ConvMixer in timm, and the wavemix
package's; with `module.` before them where they were trained under DataParallel. SplitMixer's ImageNet models were
registered in a timm of their own, whose names are not known here: `by_order` takes the weights by their order
instead, where every shape and every last part of a name (weight, bias, running_mean, ...) agrees.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from mixnas.checkpoints import Checkpoint, read_checkpoint
from mixnas.describe import describe
from mixnas.errors import ConfigError, RunError, UsageError
from mixnas.export import build_model, load_model, now, versions
from mixnas.model_config import ModelConfig, write_config, write_whole
from mixnas.models import reference
from mixnas.output import require_place
from mixnas.printable import printable
from mixnas.reference_config import Completed, complete, read_arguments

_COUNTER = "num_batches_tracked"
_MOST_LINES = 60


@dataclass(frozen=True)
class Imported:
    """What was written, from what, and how it was understood."""

    config: ModelConfig
    config_path: Path
    weights_path: Path
    checkpoint: Checkpoint
    completed: Completed
    parameters: int
    difference: float
    """Largest absolute difference between outputs of the model as written and as read, on one random input."""


def import_checkpoint(
    path: str | Path,
    output: str | Path,
    config: str | Path | None = None,
    *,
    image_size: int | None = None,
    key: str = "",
    by_order: bool = False,
    force: bool = False,
) -> Imported:
    """Writes the checkpoint's model as the config `output` and as safetensors beside it, each whole or not at all.

    `config` names a file with the reference's constructor arguments; what it leaves out is inferred from the weights.
    Nothing is put in place before the model read back gives the same output.

    Raises:
        UsageError: a file to write exists already (without `force`) or cannot be written.
        ConfigError: the checkpoint or the config cannot be read, or they do not fit together; nothing was written.
    """
    checkpoint = read_checkpoint(path, key)
    output = Path(output)
    weights_path = _targets(output, checkpoint.path, force)
    given = read_arguments(config) if config is not None else {}
    shapes = {name: tuple(value.shape) for name, value in checkpoint.state.items() if isinstance(value, Tensor)}
    if by_order:
        _require_splitmixer(given)
    completed = complete(given, shapes, image_size, infer=not by_order)
    model = _model(checkpoint, completed, by_order)
    result = _config(checkpoint, completed, weights_path.name)
    difference = _write(model, result, output, weights_path)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Imported(result, output, weights_path, checkpoint, completed, parameters, difference)


# ------------------------------------------------------------------------------------------------- weights into a model


def _model(checkpoint: Checkpoint, completed: Completed, by_order: bool) -> nn.Module:
    """The model with the checkpoint's weights.

    Raises:
        ConfigError: they do not fit; the error lists every entry that is missing, unexpected or wrong.
    """
    wanted = _wanted(completed.arguments, checkpoint)
    state = _reordered(checkpoint, wanted) if by_order else checkpoint.state
    problems = list(_problems(state, wanted))
    if problems:
        raise ConfigError(_report(problems, checkpoint, completed), hint=_way_out(problems, by_order, completed))
    _check_claims(completed, wanted)
    return reference.load(completed.arguments, state)


def _wanted(arguments: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Every entry of the reference's state dict, as tensors without data."""
    for name in ("num_blocks", "depth", "level"):
        if arguments.get(name, 0) > len(checkpoint.state):
            raise ConfigError(
                f"{name} = {arguments[name]} needs more weights than the {len(checkpoint.state)} there are"
            )
    found = reference.translate(arguments)
    with torch.device("meta"):
        model = build_model(ModelConfig(found.family, found.axes, found.problem), checkpoint.path.name)
    return {_theirs(name, found.modules): value for name, value in model.state_dict().items()}


def _theirs(name: str, modules: Mapping[str, str]) -> str:
    module, _, leaf = name.rpartition(".")
    return f"{modules[module]}.{leaf}"


def _problems(state: Mapping[str, Any], wanted: Mapping[str, Tensor]) -> Iterator[tuple[str, str, str]]:
    """Kind, entry and detail of everything that does not fit."""
    for name, value in wanted.items():
        if name not in state and not name.endswith(_COUNTER):
            yield "missing", name, str(list(value.shape))
    for name, value in state.items():
        if name not in wanted:
            yield "unexpected", name, str(list(value.shape)) if isinstance(value, Tensor) else "no tensor"
    for name, expected in wanted.items():
        value = state.get(name, expected)
        if wrong := _wrong(value, expected):
            yield ("wrong shape" if wrong.startswith("[") else "unusable"), name, wrong


def _wrong(value: Any, expected: Tensor) -> str:
    """What makes an entry unfit; empty where nothing does."""
    if value is expected:
        return ""
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_quantized or value.is_meta:
        return "is no plain tensor"
    if value.shape != expected.shape:
        return f"{list(value.shape)}, expected {list(expected.shape)}"
    if expected.is_floating_point() != value.is_floating_point():
        return f"has type {str(value.dtype).removeprefix('torch.')}"
    if value.is_floating_point() and not value.float().isfinite().all():
        return "holds infinite or undefined numbers"
    return ""


def _report(problems: list[tuple[str, str, str]], checkpoint: Checkpoint, completed: Completed) -> str:
    """One line a problem, in columns."""
    kinds = [kind for kind, _, _ in problems]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    rows = [(kind, printable(name), detail) for kind, name, detail in problems[:_MOST_LINES]]
    width = max(len(name) for _, name, _ in rows)
    lines = [f"  {kind:<11}  {name:<{width}}  {detail}" for kind, name, detail in rows]
    if len(problems) > _MOST_LINES:
        lines.append(f"  and {len(problems) - _MOST_LINES} more")
    head = f"{checkpoint.path} does not fit {completed.arguments['model']}: {counts}; nothing was written"
    return "\n".join([head, *lines])


def _way_out(problems: list[tuple[str, str, str]], by_order: bool, completed: Completed) -> str:
    if {kind for kind, _, _ in problems} == {"unusable"}:
        return "save the weights again as finite floating-point tensors"
    if completed.arguments["model"] == "SplitMixer" and not by_order and problems[0][0] == "missing":
        return "check --config; --by-order takes weights under other names by their order, where all shapes agree"
    return "check --config, and that the checkpoint is of that class"


def _check_claims(completed: Completed, wanted: Mapping[str, Tensor]) -> None:
    """What a config says of the model besides its arguments.

    Raises:
        ConfigError: it has another task or number of parameters.
    """
    buffers = (_COUNTER, "running_mean", "running_var")
    parameters = sum(value.numel() for name, value in wanted.items() if not name.endswith(buffers))
    truth = {"task": reference.translate(completed.arguments).problem.task, "num_params": parameters}
    for name, value in truth.items():
        said = completed.arguments.get(name, value)
        if said != value:
            raise ConfigError(f"the config says {name} = {said!r}, the model has {value!r}", hint="leave it out")


# --------------------------------------------------------------------------------------------------- weights by order


def _require_splitmixer(given: Mapping[str, Any]) -> None:
    """Names of other classes are known, and only SplitMixer's entries are in the order of this project's."""
    if given.get("model") != "SplitMixer":
        raise UsageError(
            f"--by-order is for SplitMixer alone, the config names {printable(repr(given.get('model')))}",
            hint='give --config with "model": "SplitMixer" and all its arguments',
        )


def _reordered(checkpoint: Checkpoint, wanted: Mapping[str, Tensor]) -> dict[str, Any]:
    """The state under the expected names.

    Raises:
        ConfigError: at some place shape or last part of the name differ.
    """
    names = [name for name in wanted if not name.endswith(_COUNTER)]
    found = [(name, value) for name, value in checkpoint.state.items() if not name.endswith(_COUNTER)]
    for place, (name, entry) in enumerate(itertools.zip_longest(names, found)):
        expected = f"{name} {list(wanted[name].shape)}" if name else "the end"
        shape = getattr(entry[1], "shape", None) if entry else None
        there = f"{printable(entry[0])} {list(shape or [])}" if entry else "the end"
        if not name or not entry or _leaf(name) != _leaf(entry[0]) or wanted[name].shape != shape:
            raise ConfigError(
                f"{checkpoint.path}: entry {place + 1} by order is {there}, expected {expected}; nothing was written",
                hint="the order of its entries is not SplitMixer's, or the config is of another model",
            )
    return {name: value for name, (_, value) in zip(names, found, strict=True)}


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


# --------------------------------------------------------------------------------------------------------------- write


def _targets(output: Path, source: Path, force: bool) -> Path:
    """Where the weights go.

    Raises:
        UsageError: a file to write is no YAML, exists (without `force`), or is what is read; or its folder is missing.
    """
    if output.suffix not in (".yaml", ".yml"):
        raise UsageError(f"-o {output}: a model config is YAML", hint=f"-o {output.with_suffix('.yaml')}")
    weights = output.with_suffix(".safetensors")
    for path in (output, weights):
        require_place(path)
        if path.exists() and path.samefile(source):
            raise UsageError(f"{path} is the checkpoint itself", hint="choose another name with -o")
        if path.exists() and not force:
            raise UsageError(f"{path} exists", hint="choose another name with -o, or overwrite it with --force")
    return weights


def _config(checkpoint: Checkpoint, completed: Completed, weights: str) -> ModelConfig:
    """The config with its provenance."""
    found = reference.translate(completed.arguments)
    provenance = {
        "summary": describe(found.axes),
        "imported_from": printable(checkpoint.path.name, 200),
        "sha256": checkpoint.sha256,
        "reference": completed.arguments["model"],
        "arguments": {name: value for name, value in completed.arguments.items() if name != "model"},
        "inferred": sorted(completed.inferred),
        "assumed": sorted(completed.assumed),
        "imported_at": now(),
        "versions": versions(),
    }
    return ModelConfig(found.family, dict(found.axes), found.problem, weights=weights, provenance=provenance)


def _write(model: nn.Module, config: ModelConfig, output: Path, weights: Path) -> float:
    """Writes both files in a folder beside their place, reads them back, and moves them there if they agree.

    Raises:
        UsageError: the folder cannot be written to.
        RunError: the model read back gives another output.
    """
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    try:
        with tempfile.TemporaryDirectory(prefix=".import-", dir=output.parent) as folder:
            staged = Path(folder) / output.name
            write_whole(staged.with_name(weights.name), save(state))
            write_config(config, staged)
            difference = _difference(model, load_model(staged), config)
            if not difference <= 1e-5:
                raise RunError(f"the model read back gives other outputs, by {difference:.2g}; nothing was written")
            staged.with_name(weights.name).replace(weights)
            staged.replace(output)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}", hint="choose another folder") from error
    return difference


def _difference(one: nn.Module, other: nn.Module, config: ModelConfig) -> float:
    """Largest absolute difference of the outputs on one random image, of at most about 512 pixels a side."""
    patch = int(config.axes.get("patch_size", config.axes.get("stem.patch_size", 1)))
    side = min(config.problem.image_size, max(512, 16 * patch))
    images = torch.randn(1, config.problem.in_channels, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return float((one.eval()(images) - other.eval()(images)).abs().max())
