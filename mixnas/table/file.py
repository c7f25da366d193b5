"""The table file: numpy's `.npz` without pickle. It may come from anyone, so all of it is checked before it is used.

Members are `header` and `candidates`, JSON as bytes, and the arrays of `Table`. Sizes are judged by what the file
declares before anything is unpacked; the unpacked bytes then have to be exactly as many.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from mixnas.errors import ConfigError
from mixnas.model_config import write_whole
from mixnas.records import Problem
from mixnas.table.table import FORMAT, Header, Table, digest, space_digest

LARGEST = 256 << 20
"""Bytes of all members unpacked; a table of 10,000 candidates with 3 seeds over 50 epochs needs about 50 MB."""
SMALL = 64 << 20
"""Bytes of the largest JSON member."""

_DTYPES: dict[str, str] = {
    "header": "|u1",
    "candidates": "|u1",
    "costs": "<f8",
    "metrics": "<f8",
    "train_loss": "<f8",
    "seconds": "<f8",
    "finished": "|b1",
}
"""Every member, and what its array holds."""

_HINT = "a table is what `mixnas table build` writes; build it again"


def write_table(table: Table, path: str | Path) -> None:
    """Writes the file, whole or not at all.

    Raises:
        ConfigError: the table would not be read back.
        OSError: the folder cannot be written to.
    """
    _check(table, str(path))
    header = {name: getattr(table.header, name) for name in Header.__dataclass_fields__}
    arrays: dict[str, Any] = {name: getattr(table, name) for name in list(_DTYPES)[2:]}
    content = io.BytesIO()
    np.savez_compressed(content, header=_bytes(header), candidates=_bytes(table.candidates), **arrays)
    write_whole(Path(path), content.getvalue())


def read_table(path: str | Path) -> Table:
    """Reads a table file.

    Raises:
        ConfigError: it is not there, no table, cut off, too large, or contradicts itself; the error names the rule.
    """
    members = _members(Path(path))
    header = _header(_json(members["header"], path, "header"), path)
    candidates = _json(members["candidates"], path, "candidates")
    try:
        known = _CANDIDATES.validate_python(candidates)
    except ValidationError as error:
        _refuse(path, f"candidates: {_first(error)}")
    table = Table(header, tuple(known), *(members[name] for name in list(_DTYPES)[2:]))
    _check(table, path)
    return table


def _bytes(data: Any) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(data).encode(), np.uint8)


def _refuse(path: str | Path, rule: str) -> NoReturn:
    raise ConfigError(f"{path}: no mixnas table: {rule}", hint=_HINT)


# ------------------------------------------------------------------------------------------------ from zip to arrays


def _members(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not path.is_file():
        raise ConfigError(f"no table file {str(path)!r}", hint="`mixnas table list` names the tables there are")
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpacked(archive, path)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        _refuse(path, f"it cannot be unpacked ({error})")
    except Exception as error:
        # A damaged stream raises whatever the decompressor of its method raises: zlib.error, LZMAError, RuntimeError.
        if isinstance(error, ConfigError):
            raise
        _refuse(path, f"it cannot be unpacked ({type(error).__name__}: {error})")


def _unpacked(archive: zipfile.ZipFile, path: Path) -> dict[str, npt.NDArray[Any]]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if sorted(names) != sorted(f"{name}.npy" for name in _DTYPES):
        _refuse(path, f"it must hold {', '.join(_DTYPES)}, and holds {', '.join(names)[:200] or 'nothing'}")
    total = sum(info.file_size for info in infos)
    if total > LARGEST:
        _refuse(path, f"it declares {total:,} bytes unpacked, more than {LARGEST:,}")
    return {info.filename[:-4]: _array(archive, info, path) for info in infos}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> npt.NDArray[Any]:
    """One member, if its own header tells its size truly. Never allocates more than the archive declares."""
    name = info.filename[:-4]
    content = io.BytesIO(archive.read(info))
    try:
        version = np.lib.format.read_magic(content)
        if version != (1, 0):
            _refuse(path, f"{name} is an array file of version {version}, not (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(content)
    except (ValueError, SyntaxError, RecursionError, TypeError) as error:
        _refuse(path, f"{name} is no array ({str(error).splitlines()[0][:200]})")
    if dtype.str != _DTYPES[name] or fortran:
        _refuse(path, f"{name} must be a C-ordered array of {_DTYPES[name]}, not of {dtype.str}")
    left = content.getbuffer()[content.tell() :]
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(left):
        _refuse(path, f"{name} says shape {list(shape)[:8]} and holds {len(left):,} bytes")
    return np.frombuffer(left, dtype).reshape(shape)


def _json(member: npt.NDArray[Any], path: str | Path, name: str) -> Any:
    if member.size > SMALL:
        _refuse(path, f"{name} is larger than {SMALL:,} bytes")
    try:
        return json.loads(member.tobytes())
    except (ValueError, RecursionError) as error:
        _refuse(path, f"{name} is not readable as JSON ({error})")


# ------------------------------------------------------------------------------------------------ the header's schema

_Positive = Annotated[StrictInt, Field(ge=1)]
_Seconds = Annotated[StrictFloat | StrictInt, Field(ge=0, allow_inf_nan=False)]
_Value = StrictBool | StrictInt | StrictFloat | StrictStr
_CANDIDATES: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[StrictStr, _Value]])


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class _Header:
    format: Literal["mixnas-table/1"]
    family: StrictStr
    space: dict[StrictStr, Any]
    rules_digest: StrictStr
    whole: StrictBool
    dataset: StrictStr
    problem: StrictStr
    recipe: dict[StrictStr, _Value]
    epochs: _Positive
    seeds: Annotated[tuple[StrictInt, ...], Field(min_length=1)]
    split_seed: StrictInt
    metrics: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    costs: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    cpu_seconds: _Seconds
    device: StrictStr
    environment: dict[StrictStr, Any]


_HEADER: TypeAdapter[_Header] = TypeAdapter(_Header)


def _header(data: Any, path: str | Path) -> Header:
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT and isinstance(found, str) and found.startswith("mixnas-table/"):
        raise ConfigError(f"{path}: format {found!r}, this mixnas reads {FORMAT!r}", hint="update mixnas")
    try:
        checked_header = _HEADER.validate_python(data)
    except ValidationError as error:
        _refuse(path, f"header: {_first(error)}")
    return Header(**{name: getattr(checked_header, name) for name in Header.__dataclass_fields__})


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "it"
    return f"{where}: {first['msg']}, got {str(first['input'])[:80]!r}"


# ------------------------------------------------------------------------------------------------ what must agree


def _check(table: Table, path: str | Path) -> None:
    header, number = table.header, len(table.candidates)
    runs = (number, len(header.seeds), header.epochs)
    shapes = {
        "costs": (len(header.costs), number),
        "metrics": (len(header.metrics), *runs),
        "train_loss": runs,
        "seconds": runs,
        "finished": runs[:2],
    }
    for name, shape in shapes.items():
        if getattr(table, name).shape != shape:
            _refuse(path, f"{name} has shape {list(getattr(table, name).shape)}, the header says {list(shape)}")
    if problems := _contradictions(table):
        _refuse(path, problems[0])


def _contradictions(table: Table) -> list[str]:
    header = table.header
    reached = np.isfinite(table.seconds)
    curves = np.concatenate([table.metrics, table.train_loss[None], table.seconds[None]])
    digests = {digest(header.family, axes) for axes in table.candidates}
    rules = {
        "it has no candidate": bool(table.candidates),
        "a candidate is there twice": len(digests) == len(table.candidates),
        "a seed is there twice": len(set(header.seeds)) == len(header.seeds),
        "rules_digest is not that of its space": header.rules_digest == space_digest(header.space),
        f"problem {header.problem!r} is none": _is_problem(header.problem),
        "a cost is not finite": bool(np.isfinite(table.costs).all()),
        "an epoch took less than no time": bool((table.seconds[reached] >= 0).all()),
        "a curve has a gap": bool((reached[..., 1:] <= reached[..., :-1]).all()),
        "a training that finished lacks a value": bool(np.isfinite(curves[:, table.finished]).all()),
    }
    return [rule for rule, holds in rules.items() if not holds]


def _is_problem(key: str) -> bool:
    try:
        return Problem.from_key(key).key() == key
    except ValueError:
        return False
