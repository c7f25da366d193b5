"""The record and the costs of MLP-Mixer (arXiv:2105.01601). The model and the formulas are in `models/mlp_mixer`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from mixnas.models.family import Axes, Family, NamedModel, later
from mixnas.models.ratios import share
from mixnas.records import Problem, Value

DEFAULTS: MappingProxyType[str, Value] = MappingProxyType(
    {"width": 512, "depth": 8, "patch_size": 4, "token_ratio": "1/2", "channel_ratio": "4"}
)
"""Every axis of the family with its default, in order."""


def params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters of the built model."""
    axes = {**DEFAULTS, **axes}
    width, positions = axes["width"], _positions(axes, problem)
    tokens, channels = share(width, axes["token_ratio"]), share(width, axes["channel_ratio"])
    block = 2 * positions * tokens + tokens + positions + 2 * width * channels + channels + width + 4 * width
    stem = width * problem.in_channels * axes["patch_size"] ** 2 + width
    return stem + axes["depth"] * block + 2 * width + width * problem.num_classes + problem.num_classes


def macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image, as fvcore counts them on the built model in eval mode."""
    return _count(axes, problem, norm=5)


def macs_thop(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image in thop's convention."""
    return _count(axes, problem, norm=4)


def _count(axes: Axes, problem: Problem, norm: int) -> Any:
    """The count with the price of one element of a layer norm."""
    axes = {**DEFAULTS, **axes}
    width, depth, positions = axes["width"], axes["depth"], _positions(axes, problem)
    tokens, channels = share(width, axes["token_ratio"]), share(width, axes["channel_ratio"])
    one = problem.in_channels * axes["patch_size"] ** 2 + norm + depth * (2 * tokens + 2 * channels + 2 * norm)
    return positions * width * one + width * problem.num_classes


def _positions(axes: Axes, problem: Problem) -> Any:
    return (problem.height // axes["patch_size"]) * (problem.width // axes["patch_size"])


FAMILY = Family(
    name="mlp_mixer",
    source="arXiv:2105.01601",
    summary="Perceptrons across positions and across channels; the baseline of both papers",
    build=later("mixnas.models.mlp_mixer:build"),
    params=params,
    macs=macs,
    macs_thop=macs_thop,
    defaults=DEFAULTS,
    kind=lambda axes, block: 0,
    tiny={"width": 8, "depth": 2, "patch_size": 4, "token_ratio": "1/2", "channel_ratio": "2"},
    named={"mlp-mixer-512/8": NamedModel(dict(DEFAULTS), Problem(), "17.1M, the CIFAR-10 baseline of SplitMixer")},
)
