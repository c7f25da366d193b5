"""The structure of a SplitMixer apart from its sizes: what lets one memory trace serve many candidates."""

from __future__ import annotations

from typing import Any

from mixnas.models.family import Probe
from mixnas.models.ratios import fraction
from mixnas.models.splitmixer_costs import DEFAULTS
from mixnas.records import Candidate, Problem

_BATCH, _HEIGHT, _WIDTH, _SEGMENT, _KERNEL, _PATCH = 100_003, 1009, 1013, 2003, 211, 11
"""Primes, larger than any size of a space that is not one of these, and so far apart that sums do not meet."""


def kind(axes: Candidate, block: int) -> int:
    """Which segment a block mixes, where they take turns: the first or the second of two that overlap, one of the equal
    ones (0), or the last one where that is larger (1)."""
    full = {**DEFAULTS, **axes}
    if full["channel"] == "dense" or full["channel.mixes"] == "all":
        return 0
    if full["channel"] == "overlap":
        return block % 2
    width, segments = int(full["width"]), int(full["channel.segments"])
    return int(width % segments > 0 and block % segments == segments - 1)


def find_probe(axes: Candidate, problem: Problem, batch_size: int) -> Probe | None:
    """A candidate of the same structure, whose sizes are primes that tell what each size is.

    None where a size is 1, because memory formats are ambiguous then, and where overlapping segments come out as
    halves, which do not overlap.
    """
    full: dict[str, Any] = {**DEFAULTS, **axes}
    width, kernel, patch = full["width"], full["kernel_size"], full["patch_size"]
    rows, columns = problem.height // patch, problem.width // patch
    count = _standing(full)
    real, stand_in = _segments(full, count)
    if min(width, rows, columns, batch_size, problem.height, problem.width, *real.values()) < 2 or kernel < 2:
        return None
    if full["channel"] == "overlap" and real["segment"] == real["rest"]:
        return None
    same = {name: full[name] for name in axes if name not in ("width", "depth", "patch_size", "kernel_size")}
    if full["channel"] == "overlap":
        same["channel.ratio"] = "2/3"
    if full["channel"] == "disjoint":
        same["channel.segments"] = count
    if full["activation"] == "silu":
        same["activation"] = "gelu"  # both keep their input and nothing else
    sizes = {stand_in[name]: real[name] for name in stand_in}
    sizes |= {_HEIGHT: rows, _WIDTH: columns, _KERNEL: kernel, _PATCH: patch, _BATCH: batch_size}
    sizes |= {_HEIGHT * _PATCH: problem.height, _WIDTH * _PATCH: problem.width}
    sizes[stand_in["width"] * _BATCH] = width * batch_size  # as the pooled features come in the backward pass
    if full["channel"] != "dense":
        sizes[count * _BATCH] = (2 if full["channel"] == "overlap" else full["channel.segments"]) * batch_size
    axes_of_probe = {**same, "width": stand_in["width"], "patch_size": _PATCH, "kernel_size": _KERNEL}
    large = Problem("classification", problem.in_channels, _HEIGHT * _PATCH, _WIDTH * _PATCH, problem.num_classes)
    return Probe(axes_of_probe, large, _BATCH, sizes)


def _standing(full: dict[str, Any]) -> int:
    """Segments of the probe: two can stand for more where each block touches one weight only."""
    alone = full["channel.mixes"] == "one" or full["channel.shared"]
    if full["channel"] == "disjoint" and not (alone and full["channel.operator"] == "pointwise"):
        return int(full["channel.segments"])
    return 2


def _segments(full: dict[str, Any], count: int) -> tuple[dict[str, int], dict[str, int]]:
    """The sizes of channels and of their segments, of the candidate and of its probe, by the same names."""
    width = full["width"]
    if full["channel"] == "dense":
        return {"width": width}, {"width": _SEGMENT}
    if full["channel"] == "overlap":
        numerator, denominator = fraction(full["channel.ratio"])
        large = 2 * _SEGMENT
        return _overlapping(width, width * numerator // denominator), _overlapping(large, large * 2 // 3)
    large = count * _SEGMENT + bool(width % full["channel.segments"])
    return _disjoint(width, full["channel.segments"]), _disjoint(large, count)


def _disjoint(width: int, count: int) -> dict[str, int]:
    segment = width // count
    found = {"width": width, "segment": segment, "last": width - segment * (count - 1)}
    # Joined again, in parts: what stands before a segment and behind it.
    return found | {f"{number} segments": number * segment for number in range(2, count)}


def _overlapping(width: int, segment: int) -> dict[str, int]:
    return {
        "width": width,
        "segment": segment,
        "rest": width - segment,
        "twice": 2 * segment,
        "half": width // 2,
    }
