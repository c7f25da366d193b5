"""Learning-rate schedules against values worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.schedules import SCHEDULES, constant, one_cycle, piecewise_linear


@pytest.mark.parametrize(
    ("step", "share"),
    [(0, 0.025), (19, 0.5), (39, 1.0), (59, 0.525), (79, 0.05), (89, 0.025), (99, 0.0)],
)
def test_piecewise_linear_of_the_splitmixer_notebook(step: int, share: float) -> None:
    assert piecewise_linear(step, 100) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(
    ("step", "share"),
    [(0, 0.04), (10, 0.28), (15, 0.52), (20, 0.76), (30, 1.0), (65, 0.5), (100, 0.0)],
)
def test_one_cycle(step: int, share: float) -> None:
    assert one_cycle(step, 100) == pytest.approx(share, abs=1e-12)


def test_one_cycle_follows_torch() -> None:
    """torch counts to the last step, ours to one past it; with one more step they are the same curve."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=101, pct_start=31 / 101, div_factor=25, final_div_factor=1e12
    )
    for step in range(101):
        assert one_cycle(step, 100) == pytest.approx(theirs.get_last_lr()[0], abs=1e-6)
        optimizer.step()
        if step < 100:
            theirs.step()


def test_constant() -> None:
    assert {constant(step, 7) for step in range(7)} == {1.0}


@settings(deadline=None)
@given(steps=st.integers(1, 400), name=st.sampled_from(sorted(SCHEDULES)))
def test_every_share_lies_between_0_and_1(steps: int, name: str) -> None:
    shares = [SCHEDULES[name](step, steps) for step in range(steps)]
    assert (all(-1e-12 <= share <= 1 + 1e-12 for share in shares) and max(shares) > 0) or steps == 1
