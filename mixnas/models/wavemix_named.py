"""Published WaveMix and WaveMix-Lite models: the axes of each and the problem it was published for.

Names read `wavemix-lite-WIDTH/DEPTH` for one level on a stem of stride 1, and `wavemix-WIDTH/DEPTH-Llevels-pPATCH` or
`-sSTRIDE` otherwise. Sources: weight files and tables of arXiv:2205.14375 and of its repository.
"""

from __future__ import annotations

from types import MappingProxyType

from mixnas.models.family import NamedModel
from mixnas.models.wavemix_costs import DEFAULTS
from mixnas.records import Candidate, Problem, Value

_MNIST = Problem.square(28, in_channels=1)
_CIFAR10, _CIFAR100 = Problem(), Problem.square(32, num_classes=100)
_IMAGENET = Problem.square(224, num_classes=1000)
_CITYSCAPES = Problem("segmentation", 3, 256, 512, 20)


def axes_of(width: int, depth: int, levels: int = 1, **choices: Value) -> Candidate:
    """The axes of a classifier, in the family's order. Two underscores in a name stand for the dot: `stem__stride`."""
    given = {name.replace("__", "."): value for name, value in choices.items()}
    merged = {**DEFAULTS, "width": width, "depth": depth, "levels": levels, **given}
    unused = {"head_ratio", "stem.patch_size" if merged["stem"] == "strided" else "stem.stride"}
    if merged["transform"] == "dwt":
        unused.add("transform")  # the axis is newer than the names of these architectures
    if merged["upsample"] == "interpolate":
        unused.add("upsample.ff_ratio")
    return {name: value for name, value in merged.items() if name not in unused}


def _patches(width: int, depth: int, levels: int, size: int) -> Candidate:
    return axes_of(width, depth, levels, stem="patchify", stem__patch_size=size)


def _strided(width: int, depth: int, levels: int = 1) -> Candidate:
    return axes_of(width, depth, levels, stem__stride=2)


_PARAMETER_EFFICIENCY = {
    "wavemix-lite-8/10": NamedModel(axes_of(8, 10, upsample="interpolate"), _MNIST, "99% on MNIST with 3,566"),
    "wavemix-lite-8/5": NamedModel(axes_of(8, 5), _MNIST, "90% on Fashion-MNIST with 7,156"),
    "wavemix-lite-32/7": NamedModel(axes_of(32, 7, upsample="interpolate"), _CIFAR10, "80% on CIFAR-10 with 37,058"),
    "wavemix-lite-64/6": NamedModel(axes_of(64, 6), _CIFAR10, "90% on CIFAR-10 with 520,106"),
    "wavemix-lite-8/3": NamedModel(axes_of(8, 3, mult=1), _MNIST, "99% on MNIST with 4,056; superseded"),
    "wavemix-lite-32/4": NamedModel(
        axes_of(32, 4, mult=1, dropout=0.25, upsample__ff_ratio="1/2"),
        _CIFAR10,
        "80% on CIFAR-10 with 45,962; superseded",
    ),
}

_CLASSIFIERS = {
    "wavemix-lite-112/16": NamedModel(
        axes_of(112, 16), Problem.square(28, in_channels=1, num_classes=26), "95.96% on EMNIST Letters"
    ),
    "wavemix-lite-128/7": NamedModel(
        axes_of(128, 7), Problem.square(28, in_channels=1, num_classes=47), "EMNIST Balanced"
    ),
    "wavemix-lite-144/7": NamedModel(axes_of(144, 7), _CIFAR10, "94.58% on CIFAR-10"),
    "wavemix-lite-320/8": NamedModel(axes_of(320, 8), _CIFAR10, "95.37% on CIFAR-10"),
    "wavemix-lite-256/7": NamedModel(axes_of(256, 7), _CIFAR100, "76.91% on CIFAR-100"),
    "wavemix-lite-256/8": NamedModel(axes_of(256, 8), _CIFAR100, "77.82% on CIFAR-100"),
    "wavemix-lite-256/10": NamedModel(axes_of(256, 10), _CIFAR100, "78.81% on CIFAR-100"),
    "wavemix-lite-256/12": NamedModel(axes_of(256, 12), Problem.square(64, num_classes=200), "62.51% on Tiny ImageNet"),
    "wavemix-192/16-L1-p4": NamedModel(_patches(192, 16, 1, 4), _IMAGENET, "71.18% on ImageNet-1k"),
    "wavemix-192/16-L3-p4": NamedModel(_patches(192, 16, 3, 4), _IMAGENET, "75.06% on ImageNet-1k"),
    "wavemix-256/16-L3-p4": NamedModel(_patches(256, 16, 3, 4), _IMAGENET, "73.03% on ImageNet-1k"),
    "wavemix-256/16-L4-s2": NamedModel(
        _strided(256, 16, 4), Problem.square(256, num_classes=1000), "70.42% on ImageNet-1k"
    ),
    "wavemix-256/12-L2-p8": NamedModel(
        _patches(256, 12, 2, 8), Problem.square(224, num_classes=365), "54.94% on Places-365"
    ),
}

_SEGMENTERS = {
    "wavemix-seg-192/16-L3-p4": NamedModel(
        {**_patches(192, 16, 3, 4), "head_ratio": "2/3"}, _CITYSCAPES, "83.04 on Cityscapes, own metric"
    ),
    "wavemix-seg-256/16-L4-s2": NamedModel(_strided(256, 16, 4), _CITYSCAPES, "82.70 on Cityscapes, own metric"),
    "wavemix-seg-128/8-L1-s2": NamedModel(
        _strided(128, 8), _CITYSCAPES, "Lite-128/8: 63.3 on Cityscapes (a third party)"
    ),
    "wavemix-seg-256/7-L1-s2": NamedModel(_strided(256, 7), _CITYSCAPES, "Lite-256/7 for Cityscapes"),
    "wavemix-seg-256/8-L1-s2": NamedModel(_strided(256, 8), _CITYSCAPES, "Lite-256/8 for Cityscapes"),
    "wavemix-seg-256/16-L1-s2": NamedModel(_strided(256, 16), _CITYSCAPES, "Lite-256/16 for Cityscapes"),
}

NAMED: MappingProxyType[str, NamedModel] = MappingProxyType({**_PARAMETER_EFFICIENCY, **_CLASSIFIERS, **_SEGMENTERS})
