"""Model families, found by name. Nothing here imports torch until a model is built."""

from __future__ import annotations

import importlib
from typing import Any

from mixnas.errors import UnknownName

# Imported before the function `family` below is defined: the import binds the submodule to that name, once.
from mixnas.models.family import Family, NamedModel

FAMILIES: dict[str, str] = {
    "splitmixer": "mixnas.models.families.splitmixer",
    "wavemix_lite": "mixnas.models.families.wavemix_lite",
    "mlp_mixer": "mixnas.models.families.mlp_mixer",
    "hybrid": "mixnas.models.families.hybrid",
}
"""Family name to the module that defines `FAMILY`."""


def family(name: str) -> Family:
    """The family of that name; `timm:NAME` is any classification model of timm.

    Raises:
        UnknownName: there is none.
        MissingExtra: it is a model of timm, which is not installed.
    """
    if name.startswith("timm:"):
        from mixnas.models.timm_models import timm_family

        return timm_family(name)
    if name not in FAMILIES:
        raise UnknownName("model family", name, FAMILIES)
    found: Family = importlib.import_module(FAMILIES[name]).FAMILY
    return found


def named_models() -> dict[str, tuple[str, NamedModel]]:
    """Every published model by name, with its family's name."""
    return {name: (key, model) for key in FAMILIES for name, model in family(key).named.items()}


def __getattr__(name: str) -> Any:
    """`mixnas.models.reference` without an import of its own; it loads torch."""
    if name == "reference":
        return importlib.import_module("mixnas.models.reference")
    raise AttributeError(f"module 'mixnas.models' has no attribute {name!r}")
