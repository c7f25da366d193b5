"""State dicts from checkpoint files that may come from anyone: `.pth` and its kin, `.safetensors`, `.npz`.

Nothing in a file is ever executed: pickles go through PyTorch's `weights_only=True`, which builds tensors and plain
data and refuses the rest. The one class allowed besides is `argparse.Namespace`, in which timm's training script keeps
its arguments: it holds values and runs nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixnas.errors import ConfigError
from mixnas.printable import printable

SUFFIXES: dict[str, str] = {
    ".pth": "torch",
    ".pt": "torch",
    ".ckpt": "torch",
    ".bin": "torch",
    ".tar": "torch",
    ".safetensors": "safetensors",
    ".npz": "npz",
}
"""File name extension to format. `.pth.tar`, which timm writes, holds no tar archive."""

KEYS = ("state_dict", "model_state_dict", "model", "net")
"""Where training scripts keep the state dict in what they save."""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""

_MOST_SWELLING = 20
"""Weights hardly compress; a file that unpacks to more than this many times its size was made to fill a memory."""


@dataclass(frozen=True)
class Checkpoint:
    """A state dict as it was found. Values are tensors, or whatever else lay there under a text key."""

    path: Path
    sha256: str
    state: Mapping[str, Any]
    key: str = ""
    """Keys that led to the state, joined by dots; empty where the file holds it at the top."""
    prefix: str = ""
    """What was cut off every name."""


def read_checkpoint(path: str | Path, key: str = "") -> Checkpoint:
    """Reads a state dict: a bare one, or the one under `key` or under one of `KEYS`.

    Raises:
        ConfigError: the file is not there, empty, cut short, no checkpoint, or holds more than tensors and plain data.
    """
    path = Path(path)
    content = _load(path, _format(path))
    state, found = _find_state(content, path, key)
    for name in state:
        if not isinstance(name, str):
            raise ConfigError(f"{path}: a name in the state dict is {_kind(name)}, not a text", hint=_ANY)
    shortened, prefix = _without_prefix(state)
    _check_size(shortened, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(path, digest, shortened, found, prefix)


# ------------------------------------------------------------------------------------------------------- which format

_ANY = f"give a state dict saved by torch.save, as safetensors or as npz; extensions: {', '.join(SUFFIXES)}"


def _format(path: Path) -> str:
    """The format that both the name and the first bytes of a file speak of."""
    if not path.is_file():
        raise ConfigError(f"{path} is {'no file' if path.exists() else 'not there'}", hint=_ANY)
    named = SUFFIXES.get(path.suffix.lower())
    if named is None:
        raise ConfigError(f"{path}: no checkpoint has the extension {path.suffix!r}", hint=_ANY)
    try:
        found = _sniff(path)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}", hint="check its permissions") from error
    if found != named:
        what = f"its content is {found}" if found else "its content is none of torch, safetensors, npz"
        raise ConfigError(
            f"{path}: the extension says {named}, but {what}",
            hint="rename the file, if that is what it holds" if found else "was it cut short on its way? " + _ANY,
        )
    return named


def _sniff(path: Path) -> str:
    size = path.stat().st_size
    if not size:
        raise ConfigError(f"{path} is empty", hint="download or save it again")
    with path.open("rb") as file:
        head = file.read(9)
    if head[4:] == b"\0\0\0\0{":  # first, because the length before it may begin like any of the others
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        return _sniff_zip(path, size)
    return "torch" if head[0] == 0x80 else ""


def _sniff_zip(path: Path, size: int) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise ConfigError(f"{path} is cut short or damaged: {_line(error)}", hint="download it again") from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > _MOST_SWELLING * size + (1 << 20):
        raise ConfigError(
            f"{path} has {size:,} bytes and would unpack to {unpacked:,}",
            hint="no checkpoint compresses like that; it is not read",
        )
    if any(entry.filename.endswith("data.pkl") for entry in entries):
        return "torch"
    return "npz" if entries and all(entry.filename.endswith(".npy") for entry in entries) else ""


# --------------------------------------------------------------------------------------------------------------- load


def _load(path: Path, kind: str) -> Any:
    """What the file holds, as tensors and plain data."""
    if kind == "torch":
        return _load_torch(path)
    try:
        if kind == "npz":
            return _load_npz(path)
        from safetensors.torch import load_file

        return load_file(path)
    except Exception as error:  # a file from anyone can fail in any way, and each means the same to the user
        hint = "arrays of objects may contain code" if "pickle" in str(error) else "download or save it again"
        raise ConfigError(f"{path} is no readable {kind} file: {_line(error)}", hint=hint) from error


def _load_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return {name: torch.from_numpy(a) if a.dtype.kind in "fiub" else a for name, a in arrays.items()}


def _load_torch(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd pickles; what matters of them is raised
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # as above
        complaint = _complaint(str(error))
        if complaint:
            raise ConfigError(
                f"{path} holds more than tensors and plain data, which could run code when read: {complaint}",
                hint="if you trust who made it: load it where it was made and torch.save(model.state_dict()) alone",
            ) from error
        raise ConfigError(
            f"{path} is no readable PyTorch checkpoint: {_line(error)}", hint="download or save it again"
        ) from error


def _complaint(message: str) -> str:
    """PyTorch's reason for refusing a pickle, out of a long text of advice; empty where it is about something else."""
    reasons = ("unsupported GLOBAL", "Unsupported global", "Unsupported class", "Can only", "Trying to", "TorchScript")
    for line in message.splitlines():
        start = min((line.find(reason) for reason in reasons if reason in line), default=-1)
        if start >= 0:
            return printable(re.split(r"\. |, but got |\.$", line[start:].strip())[0], 200)
    return ""


def _line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    reasons = [line for line in lines if "UnpicklingError:" in line or "WeightsUnpickler error:" in line]
    return printable((reasons or lines or [type(error).__name__])[0], 200)


# ------------------------------------------------------------------------------------------------ the state dict in it


def _find_state(content: Any, path: Path, key: str) -> tuple[Mapping[Any, Any], str]:
    """The mapping that holds tensors, and the keys that led to it."""
    if key:
        return _under(content, path, key), key
    steps: list[str] = []
    while isinstance(content, Mapping) and len(steps) < 4:
        if any(isinstance(value, torch.Tensor) for value in content.values()):
            return content, ".".join(steps)
        nested = [name for name in KEYS if isinstance(content.get(name), Mapping)]
        if len(nested) > 1:
            raise ConfigError(
                f"{path} holds more than one state dict: {', '.join(nested)}", hint=f"give --key {nested[0]}, say"
            )
        if not nested:
            break
        steps.append(nested[0])
        content = content[nested[0]]
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path} holds {_kind(content)}, not a state dict", hint=_ANY)
    inside = ", ".join(printable(str(name)) for name in list(content)[:8]) or "nothing"
    raise ConfigError(
        f"{path}: no state dict under any of {', '.join(KEYS)}; found: {inside}",
        hint="if it lies under another key, name it with --key",
    )


def _under(content: Any, path: Path, key: str) -> Mapping[Any, Any]:
    for step in key.split("."):
        if not isinstance(content, Mapping) or step not in content:
            inside = (
                ", ".join(printable(str(name)) for name in list(content)[:8]) if isinstance(content, Mapping) else ""
            )
            raise ConfigError(f"{path} has no key {key!r}", hint=f"it holds: {inside or _kind(content)}")
        content = content[step]
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path}: {key!r} holds {_kind(content)}, not a state dict", hint=_ANY)
    return content


def _without_prefix(state: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    cut = ""
    state = dict(state)
    while prefix := next((p for p in PREFIXES if state and all(name.startswith(p) for name in state)), ""):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
        cut += prefix
    return state, cut


def _check_size(state: Mapping[str, Any], path: Path) -> None:
    """A tensor can claim any shape over a few numbers; what is claimed here is copied later."""
    claimed = sum(value.numel() * value.element_size() for value in state.values() if isinstance(value, torch.Tensor))
    size = path.stat().st_size
    if claimed > _MOST_SWELLING * size + (1 << 20):
        raise ConfigError(
            f"{path} has {size:,} bytes, and its tensors claim {claimed:,}",
            hint="save the state dict again, with every tensor contiguous",
        )


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
