"""mixnas: neural architecture search and ablation for resource-efficient vision models.

Importing this package loads nothing heavy; torch, optuna, ray and plotly come with the functions that need them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from mixnas.space import SearchSpace

__version__ = "0.1.0"
__all__ = ["__version__", "load_model", "load_space"]


def load_space(name_or_path: str | Path) -> SearchSpace:
    """The search space of that name (`./search_spaces/` first, then the built-in ones) or in that file.

    Raises:
        UnknownName: no space has that name.
        SpaceError: the file declares a space that breaks a rule.
    """
    from mixnas.space import load_space as load

    return load(name_or_path)


def load_model(path: str | Path) -> nn.Module:
    """The torch model that a config file (`mixnas export`) describes, with its weights where the file names them.

    Raises:
        ConfigError: the file cannot be read, or a field is wrong.
    """
    from mixnas.export import load_model as load

    return load(path)


def __getattr__(name: str) -> Any:
    """`mixnas.models`, `mixnas.space`, ... without an import of their own; loaded when they are first named."""
    if name in ("models", "space", "pareto", "store", "data", "study"):
        return importlib.import_module(f"mixnas.{name}")
    raise AttributeError(f"module 'mixnas' has no attribute {name!r}")
