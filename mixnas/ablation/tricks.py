"""The tricks of each family: the choices that its paper argues for, and what stands in their place without them."""

from __future__ import annotations

from collections.abc import Mapping

from mixnas.ablation.spec import Factor
from mixnas.errors import UsageError
from mixnas.records import Candidate, Value
from mixnas.space import SearchSpace

TRICKS: Mapping[str, Mapping[str, Mapping[str, Value]]] = {
    "splitmixer": {
        "1-D spatial convolutions": {"spatial": "depthwise"},
        "channel segments": {"channel": "dense"},
    },
    "wavemix_lite": {
        "multi-level transform": {"levels": 1},
        "transposed convolution": {"upsample": "interpolate"},
        "expansion": {"mult": 1},
        "dropout": {"dropout": 0.0},
    },
    "hybrid": {
        "wavelet token mixing": {"token": "split"},
        "segments": {"channel": "feedforward"},
    },
}
"""Family to trick to the change that turns it off. A trick is on where that change makes a difference.

SplitMixer: arXiv:2207.10255, section 3. WaveMix-Lite: arXiv:2205.14375, section 3.
"""


def tricks_of(space: SearchSpace, base: Candidate) -> tuple[Factor, ...]:
    """The tricks that a base has, each with the levels `on` and `off`.

    Raises:
        UsageError: the family has no known trick, or the base has none of them.
    """
    known = TRICKS.get(space.family, {})
    if not known:
        raise UsageError(
            f"the tricks of family {space.family!r} are not known", hint="name them: --vary spatial=depthwise"
        )
    present = {name: off for name, off in known.items() if any(base.get(axis, v) != v for axis, v in off.items())}
    if not present:
        raise UsageError(
            f"the base has none of the tricks of {space.family!r}: {', '.join(known)}",
            hint="name what to turn off: --vary width=32",
        )
    return tuple(Factor(name, {"on": {}, "off": off}) for name, off in present.items())
