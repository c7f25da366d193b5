"""Learning-rate schedules: the share of the peak rate at each step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

WARM_UP = 0.3
"""Share of the steps that a one-cycle schedule climbs."""

START = 1 / 25
"""Where it starts, as a share of the peak."""


def one_cycle(step: int, steps: int) -> float:
    """Half a cosine from a 25th of the peak up to it at 30 % of the steps, half a cosine down to nearly 0.

    Smith and Topin, arXiv:1708.07120, with cosines as in PyTorch's OneCycleLR. `step` counts from 0.
    """
    done = step / steps
    if done < WARM_UP:
        return START + (1 - START) * (1 - math.cos(math.pi * done / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2


def piecewise_linear(step: int, steps: int) -> float:
    """0 to the peak at 40 %, a twentieth of it at 80 %, 0 after the last step (the SplitMixer notebook)."""
    done = (step + 1) / steps
    if done <= 0.4:
        return done / 0.4
    if done <= 0.8:
        return 1 - 0.95 * (done - 0.4) / 0.4
    return 0.05 * (1 - done) / 0.2


def constant(step: int, steps: int) -> float:
    """The peak rate throughout."""
    return 1.0


SCHEDULES: Mapping[str, Callable[[int, int], float]] = {
    "one_cycle": one_cycle,
    "piecewise_linear": piecewise_linear,
    "constant": constant,
}
