"""What figures show, looked at without a browser."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixnas import pareto
from mixnas.figures import style
from mixnas.figures.curves import curves_data, curves_figure, shade
from mixnas.figures.history import history_data, history_figure, volume_title
from mixnas.figures.outcomes import Outcome, outcome_data, outcome_figure
from mixnas.figures.pareto import Mark, panels, pareto_data, pareto_figure
from mixnas.objectives import OBJECTIVES
from mixnas.records import Fidelity, FrontPoint, StudyCounts, Trial
from tests.figures.samples import ACC_PARAMS, ALL_THREE, EPOCHS, sample_fronts, sample_trials


def trial(number: int, acc: float, params: float, **more: object) -> Trial:
    record = Trial("s", number, f"{number:016x}", {"width": 8}, "finished", {"acc": acc, "params": params},
                   Fidelity(1, 0))  # fmt: skip
    return replace(record, **more)  # type: ignore[arg-type]


def test_pareto_data_marks_the_front_and_leaves_out_what_is_no_result() -> None:
    trials = [trial(0, 0.9, 100), trial(1, 0.8, 200), trial(2, math.nan, 1), trial(3, 0.5, 50, state="failed")]
    data = pareto_data(trials, ACC_PARAMS)
    assert [(p.trial, p.on_front, p.values) for p in data.points] == [(0, True, (0.9, 100)), (1, False, (0.8, 200))]


def test_stair_goes_from_the_worst_y_to_the_worst_x() -> None:
    (panel,) = panels(pareto_data([trial(0, 0.5, 10), trial(1, 0.9, 100), trial(2, 0.6, 200)], ACC_PARAMS))
    assert (panel.x, panel.y) == (1, 0)
    low, right = panel.y_range[0], panel.x_range[1]
    assert panel.stair == ((10, low), (10, 0.5), (100, 0.5), (100, 0.9), (right, 0.9))


def test_stair_of_two_minimised_objectives_descends() -> None:
    both = (OBJECTIVES["error"], OBJECTIVES["params"])
    trials = [
        trial(0, 0, 10, values={"error": 0.5, "params": 10}),
        trial(1, 0, 99, values={"error": 0.1, "params": 99}),
    ]
    (panel,) = panels(pareto_data(trials, both))
    high, right = panel.y_range[1], panel.x_range[1]
    assert panel.stair == ((10, high), (10, 0.5), (99, 0.5), (99, 0.1), (right, 0.1))


def test_panels_pair_accuracy_with_each_cost() -> None:
    trials, _ = sample_trials()
    assert [(p.x, p.y) for p in panels(pareto_data(trials, ALL_THREE))] == [(1, 0), (2, 0)]
    costs = (OBJECTIVES["params"], OBJECTIVES["macs"])
    assert [(p.x, p.y) for p in panels(pareto_data(trials, costs))] == [(1, 0)]


def test_pareto_figure_shows_every_trial_with_its_number_digest_and_axes() -> None:
    trials, _ = sample_trials()
    figure = pareto_figure(pareto_data(trials, ACC_PARAMS, [Mark("<published>", {"acc": 0.9, "params": 5e5})]), "A & B")
    others, front, marks = (trace for trace in figure.data if trace.name)
    members = pareto.front(trials, ACC_PARAMS)
    assert sorted(front.customdata) == sorted(t.number for t in members)
    assert len(others.x) + len(front.x) == sum(t.state == "finished" for t in trials)
    assert members[0].digest in front.text[list(front.customdata).index(members[0].number)]
    assert marks.text == ("&lt;published&gt;",)
    assert figure.layout.title.text == "A &amp; B"
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", None)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Parameters", "Validation accuracy")


def test_pareto_figure_of_three_objectives_has_a_panel_for_each_cost() -> None:
    trials, _ = sample_trials()
    figure = pareto_figure(pareto_data(trials, ALL_THREE))
    assert figure.layout.xaxis2.title.text == "Multiply-accumulates per image"
    assert len(figure.data) == 10
    assert [trace.name for trace in figure.data if trace.showlegend] == ["Dominated (39)", "Front (15)"]


@pytest.mark.parametrize("trials", [[trial(0, 0.9, 100)], [trial(0, 0.9, 100), trial(1, 0.9, 100)], [trial(0, 1, 0)]])
def test_pareto_figure_of_a_single_place(trials: list[Trial]) -> None:
    figure = pareto_figure(pareto_data(trials, ACC_PARAMS))
    low, high = figure.layout.xaxis.range
    assert low < high


def test_a_front_of_nothing_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="a front needs points and two objectives, got 0, 2"):
        pareto_figure(pareto_data([], ACC_PARAMS))


def test_history_counts_the_time_of_failed_trials_too() -> None:
    trials = [
        trial(0, 0.5, 10, seconds=3.0, finished_at="2026-01-01T00:00:03"),
        trial(1, 0, 0, seconds=10.0, finished_at="2026-01-01T00:00:13", state="failed", values={}),
        trial(2, 0.6, 10, seconds=2.0, finished_at="2026-01-01T00:00:15"),
    ]
    points = [FrontPoint(0, 1, 0.5, (0,)), FrontPoint(2, 2, 0.6, (2,))]
    data = history_data("s", points, trials)
    assert (data.finished, data.seconds, data.hypervolume) == ((1, 2), (3.0, 15.0), (0.5, 0.6))


def test_history_figure_has_one_line_a_study_in_each_panel() -> None:
    trials, _ = sample_trials()
    history = history_data("a", sample_fronts(trials, ACC_PARAMS), trials)
    figure = history_figure([history, replace(history, name="b")], ACC_PARAMS)
    assert [trace.name for trace in figure.data] == ["a", "a", "b", "b"]
    assert list(figure.data[0].y) == sorted(figure.data[0].y)
    assert volume_title(ACC_PARAMS) == "Hypervolume (acc × log<sub>10</sub> params)"


def test_curves_of_the_front_are_apart_and_ordered_by_cost() -> None:
    trials, curves = sample_trials()
    members = [t.number for t in pareto.front(trials, ACC_PARAMS)]
    data = curves_data(trials, curves, members, ACC_PARAMS)
    assert data is not None
    assert sum(c.on_front for c in data.curves) == len(members)
    assert all(c.epochs == tuple(range(1, EPOCHS + 1)) for c in data.curves)
    figure = curves_figure(data)
    assert [int(trace.name.split(":")[0]) for trace in figure.data[1:]] == members
    assert figure.data[0].x.count(None) == len(trials) - len(members)


def test_no_curves_without_epochs() -> None:
    trials, _ = sample_trials(5)
    assert curves_data(trials, {}, [], ACC_PARAMS) is None


def test_shades_go_from_light_to_dark() -> None:
    assert (shade(0, 3), shade(2, 3), shade(0, 1)) == ("rgb(158,202,225)", "rgb(8,48,107)", "rgb(158,202,225)")


def test_outcomes_split_failures_and_refusals_by_reason() -> None:
    trials = [trial(0, 0, 0, state="failed", reason="timeout"), trial(1, 0, 0, state="failed", reason="odd")]
    counts = StudyCounts("s", finished=3, failed=2, running=0, duplicates=1, refused=5)
    assert outcome_data(counts, trials, {"params <= 5k": 4, "macs <= 1M": 1}) == (
        Outcome("duplicate, not trained", 1, "skipped"),
        Outcome("refused: macs <= 1M", 1, "skipped"),
        Outcome("refused: params <= 5k", 4, "skipped"),
        Outcome("failed: it took longer than allowed", 1, "failed"),
        Outcome("failed: odd", 1, "failed"),
        Outcome("finished", 3, "finished"),
    )
    assert outcome_data(StudyCounts("s"), []) == ()


def test_outcome_figure_shows_the_counts() -> None:
    figure = outcome_figure([Outcome("a < b", 1234, "skipped")])
    assert (figure.data[0].text, figure.data[0].y) == (("1,234",), ("a &lt; b",))


@given(st.floats(1e-3, 1e9), st.floats(1.02, 1e6))
def test_log_ticks_are_few_and_inside(low: float, factor: float) -> None:
    ticks = style.log_ticks(low, low * factor)
    assert 2 <= len(ticks) <= 10
    assert all(low * 0.999 <= t <= low * factor * 1.001 for t in ticks)
    assert ticks == sorted(set(ticks))


def test_ranges_are_never_empty_and_fractions_stay_near_one() -> None:
    assert style.spread([0.5], OBJECTIVES["acc"])[0] < 0.5 < style.spread([0.5], OBJECTIVES["acc"])[1]
    assert style.spread([0.0, 1.0], OBJECTIVES["acc"]) == (-0.01, 1.01)
    low, high = style.spread([0, 100], OBJECTIVES["params"])
    assert 0 < low < 100 < high


def test_labels_of_marks_stand_towards_the_middle() -> None:
    """At the upper right corner a label above or to the right would be cut off."""
    corners = [Mark("dear", {"acc": 1.0, "params": 1e9}), Mark("cheap", {"acc": 0.01, "params": 1.0})]
    figure = pareto_figure(pareto_data(sample_trials()[0], ACC_PARAMS, corners))
    (drawn,) = [trace for trace in figure.data if trace.name == "Reference"]
    assert list(drawn.textposition) == ["bottom left", "top right"]


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (260e3, 1.9e6, ["256 KiB", "512 KiB", "1 MiB"]),
        (200e3, 2.2e6, ["256 KiB", "512 KiB", "1 MiB", "2 MiB"]),
        (920_000, 1_400_000, ["0.9 MiB", "1 MiB", "1.1 MiB", "1.2 MiB", "1.3 MiB"]),
        (100, 5e12, ["1 KiB", "32 KiB", "1 MiB", "32 MiB", "1 GiB", "32 GiB", "1 TiB"]),
    ],
)
def test_axes_of_memory_have_binary_units(low: float, high: float, names: list[str]) -> None:
    options = style.axis_options(OBJECTIVES["memory"], low, high)
    assert options["ticktext"] == names
    assert all(low <= tick <= high for tick in options["tickvals"])
    assert options["title"]["text"] == "Peak memory of a training step"
