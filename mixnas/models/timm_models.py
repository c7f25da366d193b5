"""Any classification model of timm as a family with one member: `timm:resnet18`. Baselines beside a front.

Such a family has no axes. Nothing is known in closed form: parameters are counted on the meta device, and
multiply-accumulates by fvcore on the built model. Weights are random; nothing is downloaded.
"""

from __future__ import annotations

import difflib
import functools
import warnings
from types import MappingProxyType, ModuleType
from typing import Any

import torch
from torch import nn

from mixnas.errors import ConfigError, MissingExtra, UnknownName
from mixnas.models.family import Axes, Family
from mixnas.records import Candidate, Problem

PREFIX = "timm:"


def timm_family(name: str) -> Family:
    """The family of a name such as `timm:resnet18`.

    Raises:
        MissingExtra: timm is not installed.
        UnknownName: timm has no such model; the error lists the close ones.
    """
    model = name.removeprefix(PREFIX)
    timm = _timm(name)
    if not timm.is_model(model):
        raise _unknown(model, timm.list_models())

    def build(axes: Candidate, problem: Problem) -> nn.Module:
        _check(name, axes, problem)
        return _create(model, problem)

    def params(axes: Axes, problem: Problem) -> int:
        _check(name, axes, problem)
        return _count_parameters(model, problem)

    def macs(axes: Axes, problem: Problem) -> int:
        _check(name, axes, problem)
        return _count_macs(model, problem)

    def macs_thop(axes: Axes, problem: Problem) -> int:
        _check(name, axes, problem)
        return _count_macs_by_thop(model, problem)

    return Family(
        name=name,
        source="https://github.com/huggingface/pytorch-image-models",
        summary=f"timm's {model}, as a baseline",
        build=build,
        params=params,
        macs=macs,
        macs_thop=macs_thop,
        defaults=MappingProxyType({}),
        tiny={},
    )


def _timm(name: str) -> ModuleType:
    try:
        import timm
    except ImportError:
        raise MissingExtra(f"model family {name!r}", "timm", "timm") from None
    module: ModuleType = timm
    return module


def _unknown(model: str, known: list[str]) -> UnknownName:
    """An error that names the close ones; the whole list of more than a thousand would help nobody."""
    error = UnknownName("timm model", model, known)
    close = difflib.get_close_matches(model, known, n=5, cutoff=0.5) or [n for n in known if n[:4] == model[:4]][:5]
    guess = f"close ones: {', '.join(close)}; " if close else ""
    error.hint = f"{guess}timm.list_models() gives all {len(known):,}"
    return error


def _check(name: str, axes: Axes, problem: Problem) -> None:
    if axes:
        raise ConfigError(f"{name} has no axes, got {', '.join(axes)}", hint="it is one model, not a family of them")
    if problem.task != "classification":
        raise ConfigError(f"{name} classifies images; the task is {problem.task}", hint="try wavemix_lite")


def _create(model: str, problem: Problem) -> nn.Module:
    """The model with the input size told where its class takes one (transformers and MLPs do).

    Raises:
        ConfigError: timm makes no model of it for such images.
    """
    import timm

    arguments: dict[str, Any] = {"in_chans": problem.in_channels, "num_classes": problem.num_classes}
    size = (problem.height, problem.width)
    found: nn.Module
    try:
        try:
            found = timm.create_model(model, pretrained=False, img_size=size, **arguments)
        except TypeError as error:
            if "img_size" not in str(error):
                raise
            found = timm.create_model(model, pretrained=False, **arguments)
    except Exception as error:  # timm's own checks are assertions and errors of many kinds
        raise _cannot(model, problem, error) from error
    return found


@functools.lru_cache(maxsize=256)
def _count_parameters(model: str, problem: Problem) -> int:
    with torch.device("meta"):
        built = _create(model, problem)
    return sum(p.numel() for p in built.parameters() if p.requires_grad)


@functools.lru_cache(maxsize=256)
def _count_macs(model: str, problem: Problem) -> int:
    from mixnas.cost.check import count

    try:
        return count(_build_aside(model, problem), problem.input).total
    except (RuntimeError, AssertionError, ValueError) as error:
        raise _cannot(model, problem, error) from error


@functools.lru_cache(maxsize=256)
def _count_macs_by_thop(model: str, problem: Problem) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports distutils
            import thop

            total, _ = thop.profile(_build_aside(model, problem), (torch.zeros(1, *problem.input),), verbose=False)
    except ImportError:
        raise MissingExtra("counting in thop's convention", "thop", "timm") from None
    except (RuntimeError, AssertionError, ValueError) as error:
        raise _cannot(model, problem, error) from error
    return int(total)


def _build_aside(model: str, problem: Problem) -> nn.Module:
    """The model, built without touching the random numbers of whoever asks for its costs."""
    with torch.random.fork_rng(devices=[]):
        return _create(model, problem).eval()


def _cannot(model: str, problem: Problem, error: Exception) -> ConfigError:
    channels, height, width = problem.input
    lines = str(error).splitlines() or [type(error).__name__]
    return ConfigError(
        f"{PREFIX}{model} does not work on {channels}x{height}x{width} images: {lines[0]}",
        hint="take another model or larger images",
    )
