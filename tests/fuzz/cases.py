"""Named attacks: each has to be refused in words, at once, without running or allocating anything."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.fuzz.targets import TARGETS, _zip, npz

HARM = "touch harmed"


class Harm:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        import os

        return os.system, (HARM,)


def _torch(content: Any, modern: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=modern)
    return file.getvalue()


def _bomb(name: str) -> bytes:
    """A small archive that says truly that it unpacks to 320 MiB."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open(name, "w") as member,
    ):
        member.write(npz({"x": np.zeros(0, np.uint8)})["x.npy"])
        for _ in range(20):
            member.write(bytes(1 << 24))
    return file.getvalue()


def _claims(name: str, shape: tuple[int, ...]) -> bytes:
    """An array file whose header claims far more than follows."""
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return _zip({name: header.getvalue() + bytes(64)})


def _laughs(depth: int = 12) -> str:
    lines = ["a0: &a0 [lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, depth)]
    return "\n".join(lines) + "\n"


CONFIG = "format: mixnas-model/1\nfamily: splitmixer\naxes: {width: 8}\n"
PROBLEM = "problem: {task: classification, input: [1, 8, 8], num_classes: 10}\n"
TAGS = (
    *(
        f"!!python/object/apply:os.system ['{HARM}']",
        f"!!python/object/new:os.system ['{HARM}']",
        "!!python/name:os.system",
    ),
    *(f"!!python/object/apply:subprocess.check_output [[{HARM}]]", "!!python/module:antigravity", "!<tag:x,2000:y> 1"),
    *("!!binary aGk=", "!!set {a, b}", "!!timestamp 2001-01-01", "!!float nan-ish", "!!int 0b2"),
)

CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    **{f"YAML tag {tag[:34]}": ("model configs", lambda tag=tag: f"{CONFIG}{PROBLEM}weights: {tag}\n") for tag in TAGS},
    **{
        f"YAML tag in arguments {tag[:34]}": ("arguments of checkpoints", lambda tag=tag: (".yaml", f"hdim: {tag}\n"))
        for tag in TAGS[:4]
    },
    "billion laughs": ("model configs", _laughs),
    "billion laughs in arguments": ("arguments of checkpoints", lambda: (".yaml", _laughs())),
    "merge keys that double": ("model configs", lambda: "a: &a {b: 1}\n" + "c: {<<: [*a, *a]}\n" * 50),
    "YAML nested 100,000 deep": ("model configs", lambda: "[" * 100_000 + "]" * 100_000),
    "YAML dicts nested 20,000 deep": ("model configs", lambda: "{a: " * 20_000),
    "YAML of 10 MB": ("model configs", lambda: f"{CONFIG}{PROBLEM}provenance: {{a: {'x' * 10_000_000}}}\n"),
    "YAML with a key of a list": ("model configs", lambda: "? [a, b]\n: c\n"),
    "YAML with control characters": (
        "model configs",
        lambda: f'{CONFIG}{PROBLEM}weights: "a\\x1b[31mb\\0.safetensors"\n',
    ),
    "weights above the folder": ("model configs", lambda: f"{CONFIG}{PROBLEM}weights: ../../etc/passwd\n"),
    "weights at a Windows path": ("model configs", lambda: f"{CONFIG}{PROBLEM}weights: 'C:\\x\\..\\y'\n"),
    "a family that is a path": (
        "model configs",
        lambda: f"format: mixnas-model/1\nfamily: ../../os\naxes: {{}}\n{PROBLEM}",
    ),
    "a width of 10^30": ("model configs", lambda: CONFIG.replace("8", "1" + "0" * 30) + PROBLEM),
    "a depth of 10^9": ("model configs", lambda: CONFIG.replace("width: 8", "depth: 1000000000") + PROBLEM),
    "__import__ in an expression": ("expressions", lambda: f"__import__('os').system('{HARM}') == 0"),
    "attributes of a name": ("expressions", lambda: "width.__class__.__mro__ == 1"),
    "a lambda": ("expressions", lambda: "(lambda: 0)() == 0"),
    "a walrus": ("expressions", lambda: "(width := 3) > 1"),
    "an f-string": ("expressions", lambda: "f'{width}' == 1"),
    "a comprehension": ("expressions", lambda: "[x for x in width] == 1"),
    "an expression of 10 MB": ("expressions", lambda: "width" + " + width" * 1_250_000 + " > 1"),
    "a number of 10 MB": ("expressions", lambda: "width > " + "9" * 10_000_000),
    "a name of 10 MB": ("expressions", lambda: "w" * 10_000_000),
    "a string of 10 MB": ("expressions", lambda: "channel == '" + "x" * 10_000_000 + "'"),
    "brackets 10,000,000 deep": ("expressions", lambda: "(" * 10_000_000),
    "50 nots": ("expressions", lambda: "not " * 5_000 + "width"),
    "1,000 signs": ("expressions", lambda: "-" * 1_000 + "width > 1"),
    "a tower of powers": ("expressions", lambda: "width ** 16 ** 16 > 1"),
    "powers that multiply": ("expressions", lambda: "*".join(["width ** 16"] * 60) + " > 1"),
    "a list of 5,000 values": ("expressions", lambda: "width in (" + "1," * 4_900 + "1)"),
    "a constraint of 10 MB": ("constraints with units", lambda: ["params <= 1k" + " or params <= 1k" * 700_000]),
    "a unit with a control character": ("constraints with units", lambda: ["params <= 1k\x1b[31m"]),
    "JSON nested 100,000 deep": ("spaces as JSON", lambda: "[" * 100_000),
    "a space of 11 MB": ("spaces as JSON", lambda: " " * 11_000_000 + "{}"),
    "an axis with a control character": (
        "spaces as JSON",
        lambda: json.dumps(
            {
                **{"format": "mixnas.space", "version": 1, "name": "a\x1b[2Jb", "family": "splitmixer", "rules": []},
                "axes": [{"name": "wid\x07th", "kind": "choice", "options": ["\x1b[31m", 1]}],
            }
        ),
    ),
    "an axis of 10^30 values": (
        "spaces as JSON",
        lambda: json.dumps(
            {
                **{"format": "mixnas.space", "version": 1, "name": "x", "family": "splitmixer", "rules": []},
                "axes": [{"name": "width", "kind": "integer", "low": 1, "high": 10**30, "step": 1, "log": False}],
            }
        ),
    ),
    "a study name with a control character": ("study specs", lambda: {"space": "\x1b[2J", "objectives": ["acc"]}),
    "a study of a space above the folder": (
        "study specs",
        lambda: {"space": "../../x", "objectives": ["acc", "params"]},
    ),
    "a study of strings for numbers": (
        "study specs",
        lambda: {"space": "splitmixer", "objectives": "acc", "trials": "9"},
    ),
    "a zip bomb of a table": ("tables", lambda: _bomb("costs.npy")),
    "a table of pickles": ("tables", lambda: _zip({"header.npy": pickle.dumps(Harm())})),
    "a table that claims 10^15 numbers": ("tables", lambda: _claims("costs.npy", (10**15,))),
    "a member above the folder": ("tables", lambda: _zip({"../../escape.npy": b"x"})),
    "a zip bomb of images": ("images in .npz files", lambda: _bomb("images.npy")),
    "images that are pickles": (
        "images in .npz files",
        lambda: _zip(npz({"images": np.array([Harm()], object), "labels": np.zeros(1, int)}, pickled=True)),
    ),
    "images that claim 10^15 pixels": ("images in .npz files", lambda: _claims("images.npy", (10**9, 1000, 1000))),
    "a pickle that runs code": ("checkpoints", lambda: ("x.pth", _torch({"state_dict": Harm()}))),
    "an old pickle that runs code": ("checkpoints", lambda: ("x.pt", _torch({"state_dict": Harm()}, modern=False))),
    "a bare pickle that runs code": ("checkpoints", lambda: ("x.bin", pickle.dumps(Harm(), protocol=2))),
    "a pickled model": ("checkpoints", lambda: ("x.pth", _torch(torch.nn.Linear(2, 2)))),
    "an array of pickles": (
        "checkpoints",
        lambda: ("x.npz", _zip(npz({"a": np.array([Harm()], object)}, pickled=True))),
    ),
    "a zip bomb of a checkpoint": ("checkpoints", lambda: ("x.npz", _bomb("a.npy"))),
    "a zip bomb of a .pt file": ("checkpoints", lambda: ("x.pt", _bomb("archive/data.pkl"))),
    "a safetensors header of 2^60 bytes": ("checkpoints", lambda: ("x.safetensors", b"\0\0\0\0\0\0\0\x10{}")),
    "a tensor that claims 10^12 numbers": (
        "checkpoints",
        lambda: ("x.pth", _torch({"w": torch.zeros(1).expand(10**12)})),
    ),
    "a training's state that runs code": ("states of trainings", lambda: _torch({"job": Harm(), "curve": []})),
    "a training's state of another kind": ("states of trainings", lambda: _torch([1, 2, 3])),
    "a journal line nested 100,000 deep": ("journals of tables", lambda: b"[" * 100_000 + b"\n"),
    "a journal of 10^4 digits": ("journals of tables", lambda: b'{"seed": ' + b"9" * 10_000 + b"}\n"),
    "a journal that is a pickle": ("journals of tables", lambda: pickle.dumps(Harm()) + b"\n"),
}
"""What it is called: whose input it is, and how it is made."""

FINE = (
    *("a training's state that runs code", "a training's state of another kind"),  # it begins again, and says so
    "a list of 5,000 values",  # long, and done in no time
)
"""Not refused, and rightly so."""


def feed(name: str) -> None:
    """Feeds a case to its target; it must have been made before anything is watched."""
    target, make = CASES[name]
    TARGETS[target].feed(make())


def harmed() -> bool:
    """Whether an attack has worked."""
    return Path("harmed").exists()
