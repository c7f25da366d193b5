"""Which blocks of a hybrid take the same memory: what lets a shallow trace tell of a deep model."""

from __future__ import annotations

from mixnas.models import splitmixer_probe
from mixnas.models.hybrid_costs import DEFAULTS, block_choice, splitmixer_axes
from mixnas.records import Candidate


def kind(axes: Candidate, block: int) -> int:
    """A number for how a block mixes positions and channels, which segment it mixes where they take turns, and how its
    neighbours mix: what comes from them, forward and backward, may lie in memory in another way."""
    full: Candidate = {**DEFAULTS, **axes}
    before, own, after = (_mixing(full, number) for number in (block - 1, block, block + 1))
    turn = splitmixer_probe.kind(splitmixer_axes(full), block) if own % 2 == 0 else 0
    return ((before * 5 + own) * 5 + after) * 2 + turn


def _mixing(full: Candidate, number: int) -> int:
    """0 to 3 for the two choices of a block, 4 where there is no such block."""
    if not 0 <= number < int(full["depth"]):
        return 4
    wavelet = block_choice(full, "token", number) == "wavelet"
    return 2 * wavelet + (block_choice(full, "channel", number) == "feedforward")
