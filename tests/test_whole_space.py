"""What a whole space costs: against candidates costed one at a time, and at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.errors import ExpressionError, MixnasError, UsageError
from mixnas.figures.density import density_figure
from mixnas.figures.pareto import Mark
from mixnas.models import family
from mixnas.records import Problem
from mixnas.search.gate import Gate
from mixnas.space import SearchSpace, choice, load_space
from mixnas.whole_space import cost_columns, cost_space, drawn_candidates

runner = CliRunner()
PROBLEM = Problem()
CONSTRAINTS = ["params <= 10k", "macs <= 500k and depth > 1", "channel.ratio == '2/3' or width < 32"]


def gate(space: SearchSpace, constraints: list[str]) -> Gate:
    costs = family(space.family)
    return Gate(space, constraints, lambda a: {"params": costs.params(a, PROBLEM), "macs": costs.macs(a, PROBLEM)})


def test_all_candidates_are_costed_as_one_is() -> None:
    space = load_space("splitmixer_small")
    found = cost_space(space, PROBLEM, CONSTRAINTS, traced=0)
    judge = gate(space, CONSTRAINTS)
    verdicts = [judge.check(axes) for axes in space.enumerate()]
    assert found.exact and found.size == found.costed == len(verdicts) == 360
    assert found.passes.tolist() == [not verdict.refused for verdict in verdicts]
    for name, column in found.columns.items():
        assert column.tolist() == [verdict.costs[name] for verdict in verdicts]
    ordered = sorted(verdict.costs["params"] for verdict in verdicts)
    quantiles = found.quantiles()["params"]
    assert (quantiles["smallest"], quantiles["largest"]) == (ordered[0], ordered[-1])
    assert ordered[179] <= quantiles["median"] <= ordered[181]
    assert found.share == found.passes.mean() > 0
    assert found.alone[found.tightest] == min(found.alone.values())


def test_a_larger_space_is_judged_by_a_sample_that_says_so() -> None:
    space = load_space("splitmixer_small")
    whole = cost_space(space, PROBLEM, CONSTRAINTS, traced=0)
    drawn = cost_space(space, PROBLEM, CONSTRAINTS, most=100, traced=0)
    assert not drawn.exact and drawn.size == 360 and drawn.costed == 100_000
    assert drawn.share == pytest.approx(whole.share, abs=0.01)
    assert all(not space.explain(axes) for axes in drawn_candidates(space, 20))


def test_published_models_are_said_to_be_inside_or_not() -> None:
    published = {model.name: model for model in cost_space(load_space("splitmixer"), PROBLEM, traced=0).published}
    inside = published["splitmixer-I-256/8"]
    assert inside.inside and (inside.params, inside.macs) == (275_834, 68_561_408)
    outside = cost_space(load_space("splitmixer_small"), PROBLEM, traced=0).published
    assert not any(model.inside for model in outside)


def test_costs_beyond_64_bits_are_exact() -> None:
    wide = 2**40
    columns: dict[str, Any] = {"width": np.array([8, wide]), "depth": np.array([2, 2])}
    found = cost_columns(family("splitmixer"), columns, PROBLEM)
    assert found["params"].tolist() == [
        family("splitmixer").params({"width": w, "depth": 2}, PROBLEM) for w in (8, wide)
    ]
    assert found["params"][1] > 2**63
    space = SearchSpace("wide", family="splitmixer", width=choice(8, wide), depth=choice(2))
    assert cost_space(space, PROBLEM, ["params <= 1M"], traced=0).passes.tolist() == [True, False]


@pytest.mark.parametrize(
    ("constraint", "kind", "says"),
    [
        ("memory <= 2GiB", UsageError, "memory takes a trace of each candidate, and --memory 0 allows none"),
        ("acc > 0.9", UsageError, "acc is known only after training"),
        ("parms <= 3", ExpressionError, "unknown name 'parms'"),
    ],
)
def test_constraints_that_cannot_be_judged(constraint: str, kind: type[MixnasError], says: str) -> None:
    with pytest.raises(kind, match=says):
        cost_space(load_space("splitmixer_small"), PROBLEM, [constraint], traced=0)


def test_constraints_on_memory_are_judged_by_drawn_candidates() -> None:
    space, limit = load_space("splitmixer_small"), "params <= 10k and memory <= 32MiB"
    found = cost_space(space, PROBLEM, [limit, "depth > 2"], traced=8)
    assert len(found.memory) == 8 and found.quantiles()["memory"]["largest"] == max(found.memory)
    quick = cost_space(space, PROBLEM, ["params <= 10k", "depth > 2"], traced=0)
    assert found.passes.tolist() == quick.passes.tolist()
    assert found.share_by_memory is not None and 0 < found.share_by_memory < 1
    assert found.share == pytest.approx(quick.share * found.share_by_memory)
    assert list(found.alone) == [limit, "depth > 2"] and found.alone["depth > 2"] == quick.alone["depth > 2"]
    said: list[str] = []
    again = cost_space(space, PROBLEM, [limit, "depth > 2"], traced=8, told=said.append)
    assert again.memory == found.memory and again.share == found.share
    assert said[0] == "costing 360 of 360 candidates" and "tracing the memory of drawn candidate 8 of 8" in said
    assert found.by_memory == {limit} and found.refused
    few = cost_space(space, PROBLEM, ["memory <= 1KiB"], traced=2)
    assert (few.share, few.alone, few.refused) == (0.0, {"memory <= 1KiB": 0.0}, False)


def test_the_command_prints_counts_and_quantiles(tmp_path: Path) -> None:
    words = [
        "space",
        "cost",
        "splitmixer_small",
        "--memory",
        "0",
        "--constraint",
        "params <= 10k",
        "--constraint",
        "depth > 2",
    ]
    plot = tmp_path / "costs.html"
    result = runner.invoke(build_app(), [*words, "--plot", str(plot)], catch_exceptions=False)
    lines = result.output.splitlines()
    assert lines[0] == "splitmixer_small for classification-3x32x32-10: 360 candidates, all of them costed"
    assert lines[1].split() == ["smallest", "25%", "median", "75%", "largest"]
    assert "  depth > 2: 66.67% alone, the tightest" in lines
    assert "heatmap" in plot.read_text()[-300_000:]
    data = json.loads(runner.invoke(build_app(), [*words, "--memory", "2", "--json"], catch_exceptions=False).output)
    assert data["exact"] and data["size"] == data["costed"] == 360
    assert f"{data['passing']['count']:,} pass ({data['passing']['share']:.2%})" in lines
    assert data["memory"]["quantiles"]["smallest"] > data["quantiles"]["params"]["smallest"] * 4


def test_the_map_holds_every_candidate_and_the_marks() -> None:
    params, macs = np.array([10, 100, 100, 1000]), np.array([1, 50, 50, 900])
    passes = np.array([True, True, True, False])
    mark = Mark("paper", {"params": 5000.0, "macs": 100.0})
    figure = density_figure({"params": params, "macs": macs}, passes, [mark], refused=True)
    every, passing, marks = figure.data
    assert (np.nansum(every.customdata), np.nansum(passing.customdata)) == (4, 3)
    assert (every.name, passing.name, marks.text[0]) == ("refused", "passing", "paper")
    assert 10 ** figure.layout.xaxis.range[1] > 5000
    assert density_figure({"params": params[:1], "macs": macs[:1]}, passes[:1]).data[0].customdata.sum() == 1
