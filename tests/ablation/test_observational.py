"""Effects read off a search: what is known is found, and what cannot be told is not."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from mixnas.ablation.observational import observation_lines, observation_table, observe, ped_anova, regression
from mixnas.errors import UsageError
from mixnas.objectives import OBJECTIVES
from mixnas.records import Candidate, Fidelity, Trial
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.space import load_space
from mixnas.store import Store
from mixnas.study import StudySpec
from tests.ablation.conftest import finished

SPACE = load_space("splitmixer")


def candidates(n: int) -> list[Candidate]:
    return SPACE.sample_many(random.Random(0), n)


def truth(axes: Candidate) -> float:
    """0.05 a doubling of the width, 0.02 between the two spatial options, a ratio's worth where there is one."""
    ratio = {"2/3": 0.03, "6/11": -0.03}.get(str(axes.get("channel.ratio")), 0.0)
    return 0.05 * math.log2(float(axes["width"])) + 0.02 * (axes["spatial"] == "depthwise") + ratio


def test_the_regression_finds_known_slopes_within_its_intervals() -> None:
    drawn = candidates(400)
    noise = np.random.default_rng(0).normal(0, 0.02, len(drawn))
    slopes, p, explained, untold = regression(drawn, [truth(a) + e for a, e in zip(drawn, noise, strict=True)])
    (width,) = slopes["width"]
    assert width.step == "per doubling"
    assert width.low <= 0.05 <= width.high
    assert width.mean == pytest.approx(0.05, abs=0.005)
    spatial = {slope.step: slope for slope in slopes["spatial"]}
    assert spatial["depthwise - average"].mean == pytest.approx(0.01, abs=0.004)
    assert spatial["separable - average"].mean == pytest.approx(-spatial["depthwise - average"].mean)
    ratios = {slope.step: slope.mean for slope in slopes["channel.ratio"]}
    assert ratios["2/3 - average"] - ratios["6/11 - average"] == pytest.approx(0.06, abs=0.02)
    assert p["width"] < 1e-6
    assert p["activation"] > 0.001
    assert explained > 0.8
    assert untold == []


def test_axes_that_always_go_together_are_not_told_apart() -> None:
    drawn: list[Candidate] = [{"one": i % 2 == 0, "other": "a" if i % 2 == 0 else "b"} for i in range(30)]
    slopes, _, _, untold = regression(drawn, [float(i % 2) + 0.01 * (i % 3) for i in range(30)])
    assert list(slopes) == ["one"]
    assert untold == ["other"]


def test_ped_anova_puts_the_axis_first_that_decides() -> None:
    trials = [
        Trial("s", i, str(i), axes, "finished", {"acc": 0.1 * float(axes["depth"]) / 12}, Fidelity(1, 0))
        for i, axes in enumerate(candidates(100))
    ]
    found = ped_anova(trials, OBJECTIVES["acc"], SPACE)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=lambda axis: found[axis]) == "depth"
    assert "channel.shared" in found, "an axis of two options counts once"


def test_a_search_is_read_beside_the_designed_effects(storage: str) -> None:
    finished(storage)
    with open_session(StudySpec("splitmixer", evaluator="toy", trials=25, name="s"), storage, executor="inline") as s:
        run(s.driver, s.executor)
    with Store.open(storage) as store:
        found = observe(store, "s")
        with pytest.raises(UsageError, match="an ablation already"):
            observe(store, "tricks")
    assert found.trials == 25
    designed = {axis.axis: axis.designed for axis in found.axes if axis.designed}
    assert set(designed) == {"spatial", "channel"}
    assert designed["channel"][0].startswith("dense - overlap: ")
    assert "Correlational" in observation_lines(found)[0]
    assert len(observation_table(found).rows) == len(found.axes)


def test_too_few_trials_are_refused(storage: str) -> None:
    with open_session(StudySpec("splitmixer", evaluator="toy", trials=2, name="s"), storage, executor="inline") as s:
        run(s.driver, s.executor)
    with Store.open(storage) as store, pytest.raises(UsageError, match="2 finished trials, too few"):
        observe(store, "s")
