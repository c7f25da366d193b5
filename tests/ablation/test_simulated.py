"""Whole ablations with a simulated evaluator, whose effects and noise are known: is what the analysis says true?"""

from __future__ import annotations

import numpy as np
import pytest

from mixnas.ablation.analysis import NOISE, Analysis, evaluate
from mixnas.records import Fidelity, Trial
from mixnas.statistics import ALPHA, power
from tests.ablation.conftest import prepared

STUDIES, SEEDS = 1000, 5
EFFECTS = {"base": 0.0, "spatial=depthwise": 0.0, "kernel_size=3": 0.02}
OF_SEED, OF_RUN = 0.02, 0.01
"""Standard deviation of what all runs with a seed share, and of what each has of its own."""


def accuracy(study: int, arm: str, seed: int) -> float:
    """What training this arm with this seed gives; the same again each time."""
    shared = np.random.default_rng([study, seed]).normal(0, OF_SEED)
    own = np.random.default_rng([study, seed, 1 + list(EFFECTS).index(arm)]).normal(0, OF_RUN)
    return float(0.8 + EFFECTS[arm] + shared + own)


@pytest.fixture(scope="module")
def studies() -> list[Analysis]:
    spec = prepared(vary=("spatial", "kernel_size=3"), design="oat", seeds=SEEDS).to_dict()
    assert [arm["label"] for arm in spec["arms"]] == list(EFFECTS)

    def one(study: int) -> Analysis:
        runs = [(arm, seed) for seed in range(SEEDS) for arm in spec["arms"]]
        trials = [
            Trial("s", i, arm["digest"], {}, "finished", {"acc": accuracy(study, arm["label"], s)}, Fidelity(3, s))
            for i, (arm, s) in enumerate(runs)
        ]
        return evaluate(spec, {}, trials, {})

    return [one(study) for study in range(STUDIES)]


@pytest.mark.slow
def test_intervals_cover_and_verdicts_err_at_their_rates(studies: list[Analysis]) -> None:
    """1,000 studies, some ten seconds."""
    for place, (label, effect) in enumerate(EFFECTS.items()):
        if label == "base":
            continue
        found = [study.arms[place].difference for study in studies]
        assert 0.93 <= np.mean([d is not None and d.low <= effect <= d.high for d in found]) <= 0.97, label
        told = np.mean([d is not None and d.verdict != NOISE for d in found])
        # Of two comparisons Holm tests each at half of the level, or at the whole of it after the other was found.
        size = effect / (OF_RUN * np.sqrt(2))
        assert power(size, SEEDS, ALPHA / 2) - 0.03 <= told <= power(size, SEEDS, ALPHA) + 0.03, label
    levels = [study.arms[2] for study in studies]
    assert 0.93 <= np.mean([arm.low <= 0.82 <= arm.high for arm in levels]) <= 0.97


@pytest.mark.slow
def test_pairing_makes_intervals_narrower_than_those_of_the_arms(studies: list[Analysis]) -> None:
    paired = np.mean([(d.high - d.low) ** 2 for s in studies if (d := s.arms[2].difference) is not None])
    unpaired = np.mean([(s.arms[0].high - s.arms[0].low) ** 2 + (s.arms[2].high - s.arms[2].low) ** 2 for s in studies])
    assert paired / unpaired == pytest.approx(OF_RUN**2 / (OF_RUN**2 + OF_SEED**2), abs=0.03)
