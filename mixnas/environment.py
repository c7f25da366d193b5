"""What a result was made with: versions, machine, threads. Kept with every study."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("mixnas", "torch", "torchvision", "numpy", "optuna", "ray", "sqlalchemy", "scikit-learn")


def environment() -> dict[str, Any]:
    """Versions, platform and cores, as plain data. Loads none of the packages it names."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": available_cores(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_memory() -> int:
    """Bytes of this machine's memory; 2**63 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63


def kernel_oom_kills() -> int:
    """Processes that Linux has killed for want of memory since it started, in containers too; 0 on other systems."""
    try:
        with Path("/proc/vmstat").open(encoding="ascii") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    except (OSError, ValueError, IndexError):
        return 0


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            found = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
            return next(found, platform.processor())
    except OSError:
        return platform.processor()
