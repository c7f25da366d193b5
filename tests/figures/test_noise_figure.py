"""The front over several seeds: error bars, hollow members, the table, and the dashboard's page."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixnas import catalog
from mixnas.figures.noise import noise_figure
from mixnas.figures.pareto import panels, pareto_data, pareto_figure
from mixnas.noise import NoiseReport, noise_report
from mixnas.records import Fidelity, Replicate, Trial
from mixnas.store import Store
from tests.figures.samples import ACC_PARAMS, fill

ACCS = {0: (100, [0.90, 0.91]), 1: (200, [0.93, 0.87]), 2: (300, [0.98, 0.99]), 3: (400, [0.984, 0.99])}
"""Trial 1 was lucky; trial 3 is hardly better than the cheaper trial 2."""


def study() -> tuple[list[Trial], NoiseReport]:
    ended = Fidelity(1, 0)
    trials = [
        Trial("s", n, f"{n:016x}", {"width": n}, "finished", {"acc": accs[0], "params": params}, ended)
        for n, (params, accs) in ACCS.items()
    ]
    trials.append(Trial("s", 4, "4", {"width": 4}, "finished", {"acc": 0.999, "params": 500}, ended))
    again = [Replicate(n, 1, "finished", {"acc": accs[1], "params": params}) for n, (params, accs) in ACCS.items()]
    report = noise_report(trials, again, ACC_PARAMS)
    assert report is not None
    return trials, report


def test_the_front_is_that_of_the_means_with_its_intervals() -> None:
    trials, report = study()
    data = pareto_data(trials, ACC_PARAMS, noise=report)
    points = {p.trial: p for p in data.points}
    assert {n for n, p in points.items() if p.on_front} == {0, 2, 3}, "trial 4 has one seed and is not compared"
    assert points[3].values == (pytest.approx(0.987), 400) and points[4].values == (0.999, 500)
    assert [points[n].seeds for n in range(5)] == [2, 2, 2, 2, 1]
    assert points[3].flag == "within noise of trial 2" and points[0].flag == points[1].flag == ""
    assert points[2].intervals == report.members[1].intervals
    (panel,) = panels(data)
    low, high = points[0].intervals["acc"]
    assert panel.y_range[0] < low and high < panel.y_range[1]
    assert panel.stair[-1][1] == pytest.approx(0.987), "the stair goes through means only"


def test_bars_span_the_intervals_and_members_within_noise_are_hollow() -> None:
    trials, report = study()
    drawn = {t.name: t for t in pareto_figure(pareto_data(trials, ACC_PARAMS, noise=report)).data if t.name}
    assert set(drawn) >= {"Others (2)", "Front, means of 2 seeds (2)", "Front, within noise (1)"}
    clear, hollow = drawn["Front, means of 2 seeds (2)"], drawn["Front, within noise (1)"]
    assert (list(clear.customdata), list(hollow.customdata), hollow.marker.color) == ([0, 2], [3], "white")
    low, high = report.members[0].intervals["acc"]
    assert clear.error_y.array[0] == pytest.approx(high - clear.y[0])
    assert clear.error_y.arrayminus[0] == pytest.approx(clear.y[0] - low)
    assert clear.error_x.array is None and drawn["Others (2)"].error_y.array is None
    assert "within noise of trial 2" in hollow.text[0] and "2 seeds" in hollow.text[0]


def test_the_table_names_who_fell_off_and_by_whom() -> None:
    _, report = study()
    (table,) = noise_figure(report, ACC_PARAMS).data
    numbers, acc, params, seeds, standing, _ = table.cells.values
    assert list(numbers) == [0, 2, 3, 1] and list(params) == ["100", "300", "400", "200"] and set(seeds) == {2}
    assert list(standing) == ["on it", "on it", "within noise of trial 2", "fell off: trial 0 is better"]
    assert acc[0].startswith("0.9050 (0.")


def test_the_page_shows_both_once_there_are_seeds(tmp_path: Path) -> None:
    page = catalog.load(catalog.find("dashboards", "pareto")).page
    with Store.open(f"sqlite:///{tmp_path}/mixnas.db", create=True) as store:
        fill(store, "s", 20)
        before = page(store, "s")
        for trial in store.trials("s", "finished")[:8]:
            values = {**trial.values, "acc": trial.values["acc"] - 0.01 + 0.001 * trial.number}
            store.record_replicate("s", Replicate(trial.number, 1, "finished", values))
        after = page(store, "s")
    assert len(after) == len(before) + 1 and "several seeds" in after[1].layout.title.text
    assert any("means of 2 seeds" in (trace.name or "") for trace in after[0].data)
