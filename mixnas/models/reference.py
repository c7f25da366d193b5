"""Models of the papers' published code, by the constructor arguments and state dict of that code.

    model = reference.load({"model": "SplitMixer", "hdim": 256, "num_blocks": 8, ...}, state)

gives this project's model computing the same function, forward and backward. A parameter here has the shape that it
has there, so weights, gradients and optimiser state go over by name alone (`names`).
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mixnas.errors import ConfigError, UnknownName
from mixnas.models import family
from mixnas.records import Candidate, Problem

Config = Mapping[str, Any]
"""The reference's constructor arguments under its names, with its class name as `model`."""


@dataclass(frozen=True)
class Translation:
    """A reference model in this project's words.

    `modules` maps the name of each of our modules that holds parameters to the reference's name of it.
    """

    family: str
    axes: Candidate
    problem: Problem
    modules: Mapping[str, str]


MODELS: dict[str, str] = {
    "SplitMixer": "mixnas.models.splitmixer_reference:translate_splitmixer",
    "StrideMixer": "mixnas.models.splitmixer_reference:translate_stridemixer",
    "ConvMixer": "mixnas.models.convmixer_reference:translate_convmixer",
    "WaveMix": "mixnas.models.wavemix_reference:translate_classification",
    "WaveMixSegmentation": "mixnas.models.wavemix_reference:translate_segmentation",
    "WaveMixSuperResolution": "mixnas.models.wavemix_reference:translate_super_resolution",
}
"""Reference class to the function that translates its constructor arguments."""

_COUNTER = "num_batches_tracked"


def load(config: Config, state: Mapping[str, Tensor | np.ndarray[Any, Any]]) -> nn.Module:
    """The model that computes what the reference with these arguments and weights computes.

    `state` maps the reference's state-dict names to tensors or numpy arrays; counters of BatchNorm may be left out.

    Raises:
        UnknownName: `config["model"]` is no known reference class.
        ConfigError: an argument is missing or wrong, or the state lacks entries, has others, or has wrong shapes; the
            error lists them all.
    """
    found = translate(config)
    model = family(found.family).build(found.axes, found.problem)
    ours = model.state_dict()
    wanted = {_theirs(name, found.modules): name for name in ours}
    given = {name: _tensor(name, value) for name, value in state.items()}
    problems = [f"{name} is missing" for name in wanted if name not in given and not name.endswith(_COUNTER)]
    problems += [f"{name} is unknown" for name in given if name not in wanted]
    problems += [
        f"{name} has shape {list(given[name].shape)}, expected {list(ours[mine].shape)}"
        for name, mine in wanted.items()
        if name in given and given[name].shape != ours[mine].shape
    ]
    if problems:
        raise ConfigError(
            f"the state does not fit {config['model']}: {'; '.join(problems)}",
            hint="state must hold the reference's own state dict of the same constructor arguments",
        )
    model.load_state_dict({**ours, **{wanted[name]: value for name, value in given.items()}})
    return model


def names(config: Config) -> dict[str, str]:
    """Our parameter name to the reference's, for every parameter, in our order.

    Raises:
        UnknownName, ConfigError: as `load`.
    """
    found = translate(config)
    with torch.device("meta"):
        model = family(found.family).build(found.axes, found.problem)
    return {name: _theirs(name, found.modules) for name, _ in model.named_parameters()}


def translate(config: Config) -> Translation:
    """Reads the reference's constructor arguments.

    Raises:
        UnknownName, ConfigError: as `load`.
    """
    name = str(config.get("model", ""))
    if name not in MODELS:
        raise UnknownName("reference model", name, MODELS)
    module, function = MODELS[name].split(":")
    read: Callable[[Config], Translation] = getattr(importlib.import_module(module), function)
    return read(config)


def whole_numbers(config: Config, *arguments: str) -> list[int]:
    """The values of arguments that have no default and count something.

    Raises:
        ConfigError: some are missing, or are no whole numbers.
    """
    hint = "it takes the reference's constructor arguments under the reference's names"
    missing = [name for name in arguments if name not in config]
    if missing:
        raise ConfigError(f"the config of {config.get('model')} lacks {', '.join(missing)}", hint)
    try:
        return [operator.index(config[name]) for name in arguments]
    except TypeError:
        wrong = ", ".join(f"{name} = {config[name]!r}" for name in arguments if not hasattr(config[name], "__index__"))
        raise ConfigError(f"the config of {config.get('model')} needs whole numbers, got {wrong}", hint) from None


def _tensor(name: str, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    try:
        return torch.from_numpy(np.array(value))  # a copy: torch warns of arrays that are read-only, as memory maps are
    except TypeError:
        raise ConfigError(f"state entry {name} holds no numbers", hint="give tensors or numpy arrays") from None


def _theirs(name: str, modules: Mapping[str, str]) -> str:
    module, _, tensor = name.rpartition(".")
    return f"{modules[module]}.{tensor}"
