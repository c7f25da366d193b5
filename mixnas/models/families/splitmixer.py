"""The record of SplitMixer, and its published members (arXiv:2207.10255). The model is in `models/splitmixer`."""

from __future__ import annotations

from mixnas.models.family import Family, NamedModel, later
from mixnas.models.splitmixer_costs import DEFAULTS, macs, macs_thop, params
from mixnas.models.splitmixer_probe import kind
from mixnas.records import Candidate, Problem, Value

SETTINGS: dict[str, Candidate] = {
    "convmixer": {"spatial": "depthwise", "channel": "dense"},
    "splitmixer-I": {"channel": "overlap", "channel.mixes": "one"},
    "splitmixer-II": {"channel": "disjoint", "channel.mixes": "one"},
    "splitmixer-III": {"channel": "disjoint", "channel.mixes": "all", "channel.shared": True},
    "splitmixer-IV": {"channel": "disjoint", "channel.mixes": "all", "channel.shared": False},
    "splitmixer-V": {"channel": "overlap", "channel.mixes": "all", "channel.shared": False},
}
"""The published choices. Two segments and ratio 2/3 everywhere, which alone give the printed parameters."""

_ONE_TRICK: dict[str, Candidate] = {
    "splitmixer-spatial": {"spatial": "separable", "channel": "dense"},
    "splitmixer-channel": {"spatial": "depthwise", **SETTINGS["splitmixer-I"]},
    "stridemixer": {**SETTINGS["splitmixer-III"], "channel.operator": "conv3d"},
    "stridemixer-overlap": {**SETTINGS["splitmixer-V"], "channel.shared": True, "channel.operator": "conv3d"},
}


def axes_of(choices: Candidate, **sizes: Value) -> Candidate:
    """Every active axis, in the family's order, from the choices of a setting and its sizes."""
    merged = {**DEFAULTS, **sizes, **choices}
    unused = {"dense": "channel.", "overlap": "channel.segments", "disjoint": "channel.ratio"}[str(merged["channel"])]
    return {name: value for name, value in merged.items() if not name.startswith(unused)}


def _published() -> dict[str, NamedModel]:
    cifar, flowers, imagenet = Problem(), Problem.square(224, num_classes=102), Problem.square(224, num_classes=1000)
    found = {}
    for name, choices in {**SETTINGS, **_ONE_TRICK}.items():
        small, large = axes_of(choices), axes_of(choices, kernel_size=7, patch_size=7)
        found[f"{name}-256/8"] = NamedModel(small, cifar, "CIFAR-10; CIFAR-100 with 100 classes")
        found[f"{name}-256/8-k7-p7"] = NamedModel(large, flowers, "Flowers102; Food101 with 101 classes")
    for name, choices in SETTINGS.items():
        for size, sizes in IMAGENET_SIZES.items():
            found[f"{name}-{size}"] = NamedModel(axes_of(choices, **sizes), imagenet, "ImageNet-1k size")
    return found


IMAGENET_SIZES: dict[str, Candidate] = {
    "1536/20": {"width": 1536, "depth": 20, "kernel_size": 9, "patch_size": 7},
    "768/32": {"width": 768, "depth": 32, "kernel_size": 7, "patch_size": 7, "activation": "relu"},
    "1024/20": {"width": 1024, "depth": 20, "kernel_size": 9, "patch_size": 14},
}

FAMILY = Family(
    name="splitmixer",
    source="arXiv:2207.10255",
    summary="ConvMixer with 1-D spatial mixing and channel mixing by segments",
    build=later("mixnas.models.splitmixer:build"),
    params=params,
    macs=macs,
    macs_thop=macs_thop,
    defaults=DEFAULTS,
    tiny={
        "width": 8,
        "depth": 2,
        "patch_size": 2,
        "kernel_size": 3,
        "channel": "overlap",
        "channel.ratio": "2/3",
        "channel.mixes": "one",
    },
    named=_published(),
    kind=kind,
    probe=later("mixnas.models.splitmixer:probe"),
)
