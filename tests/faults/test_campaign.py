"""A few faults of the campaign (`campaign.py` runs it whole): the moments are random, what must hold is not."""

from __future__ import annotations

import pytest

from tests.faults.campaign import campaign

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_a_few_kills_lose_nothing() -> None:
    report = campaign(kills=6, seed=3, only="kills")
    assert sum(report.faults.values()) == 6
    assert report.broken == []


@pytest.mark.timeout(300)
def test_a_full_disk_is_said_and_survived() -> None:
    report = campaign(kills=1, seed=4, only="full_disk")
    assert report.skipped or sum(report.faults.values()) == 1
    assert report.broken == []
