"""Reports: the same numbers in every format, honest words, and figures that show them."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mixnas import catalog
from mixnas.ablation.analysis import NOISE, Analysis, evaluate, verdict
from mixnas.ablation.arms import Arm
from mixnas.ablation.formats import FORMATS, runs_csv, tex, to_csv, to_json, to_latex, to_markdown
from mixnas.ablation.page import write_report
from mixnas.ablation.plots import figures, interactions
from mixnas.ablation.report import conclusions, introduction, tables
from mixnas.objectives import OBJECTIVES
from mixnas.records import EpochRecord, Fidelity, Trial
from mixnas.store import Store
from tests.ablation.conftest import finished, prepared

ODD = "50% of a_b & {c} \\ $d$ #1 ~^|<b>µ"
"""A name with everything that a format may stumble over."""


def analysis(values: Mapping[str, list[float]], design: str = "oat", **spec: Any) -> Analysis:
    """An ablation whose arms came out with these values, one a seed; `a=1,b=0` is a cell of a factorial."""
    factors: dict[str, list[str]] = {}
    arms, trials, curves = [], [], {}
    for label, found in values.items():
        levels = dict(part.split("=") for part in label.split(",")) if "=" in label else {}
        for factor, level in levels.items():
            known = factors.setdefault(factor, [])
            known += [level] if level not in known else []
        costs = {"params": 1000.0 + 100 * len(arms), "macs": 5e4 * (1 + len(arms))}
        arms.append(Arm(label, levels, {"width": len(arms)}, f"d{len(arms)}", True, costs))
        for seed, value in enumerate(found):
            number = len(trials)
            metrics = {"acc": value, "params": costs["params"], "train_seconds": 2.0}
            trials.append(Trial("s", number, arms[-1].digest, {}, "finished", metrics, Fidelity(2, seed)))
            curves[number] = tuple(EpochRecord(e, 1.0, {"acc": value * e / 2}, 1.0) for e in (1, 2))
    stored = prepared().to_dict() | {
        "name": "s", "design": design, "epochs": 2, "seeds": max(map(len, values.values())), "factors": factors,
        "left_out": [{"label": "x", "reason": "too wide"}], "arms": [vars(arm) for arm in arms], **spec,
    }  # fmt: skip
    return evaluate(stored, {"python": "3.11", "packages": {"torch": "2"}}, trials, curves)


CLEAR = {"base": [0.80, 0.81, 0.82, 0.83], "good": [0.90, 0.909, 0.922, 0.93], "same": [0.81, 0.80, 0.825, 0.82]}


def test_differences_are_paired_and_said_in_words() -> None:
    found = analysis(CLEAR)
    good, same = (arm.difference for arm in found.arms[1:])
    assert good and same
    assert good.mean == pytest.approx(0.10025)
    assert (good.verdict, same.verdict) == ("better", NOISE)
    text = " ".join(conclusions(found))
    assert "good at +10% params and +100% macs: better, acc +0.1003" in text
    assert f"same at +20% params and +200% macs: {NOISE}" in text
    assert "seeds would" in text


def test_one_seed_says_nothing_and_says_so() -> None:
    found = analysis({name: values[:1] for name, values in CLEAR.items()})
    assert all(arm.difference and arm.difference.verdict == "one seed: noise is not known" for arm in found.arms[1:])
    assert "With fewer than 2 seeds nothing can be told from noise" in conclusions(found)[-1]


def test_where_no_arm_stands_out_it_says_what_could_have_been_seen() -> None:
    found = analysis({"base": [0.5, 0.6], "one": [0.52, 0.58], "two": [0.51, 0.63]})
    assert conclusions(found)[-1].startswith("No arm can be told from the base: with 2 seeds")


@pytest.mark.parametrize(
    ("mean", "p", "pairs", "metric", "words"),
    [
        (0.1, 0.01, 5, "acc", "better"),
        (-0.1, 0.01, 5, "acc", "worse"),
        (-0.1, 0.01, 5, "error", "better"),
        (0.1, 0.05, 5, "acc", NOISE),
        (0.0, math.nan, 5, "acc", "no difference with any seed"),
        (0.1, math.nan, 5, "acc", "the same difference with every seed: noise is not known"),
        (0.1, math.nan, 1, "acc", "one seed: noise is not known"),
        (math.nan, math.nan, 0, "acc", "no pair of runs has finished"),
    ],
)
def test_verdicts(mean: float, p: float, pairs: int, metric: str, words: str) -> None:
    assert verdict(mean, p, pairs, OBJECTIVES[metric]) == words


FACTORIAL = {
    f"a={a},b={b}": [0.5 + 0.1 * a + 0.05 * a * b + 0.01 * seed + 0.001 * ((seed + a) % 2) for seed in range(3)]
    for a in (0, 1)
    for b in (0, 1)
}


def test_a_factorial_has_effects_in_every_format() -> None:
    found = analysis(FACTORIAL, "factorial")
    names = {effect.term for effect in found.effects.effects}
    assert names == {"a", "b", "a x b"}
    assert [table.title for table in tables(found)] == [
        "Arms",
        "Costs",
        "acc per cost",
        "Main effects and interactions",
        "Analysis of variance",
    ]
    text = " ".join(conclusions(found))
    assert "Effect of a, 1 - 0: better, acc +0.1253 [" in text
    assert "Interaction of a x b, (1 - 0) x (1 - 0): the two depend on each other, acc +0.0250 [" in text
    for write in (to_markdown, to_latex, to_json):
        assert "a x b" in write(found)
    assert {e["term"] for e in json.loads(to_json(found))["effects"]["effects"]} == names


def test_csv_has_the_numbers_of_the_analysis_and_empty_cells_for_what_is_not_known() -> None:
    found = analysis(CLEAR)
    rows = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert [row["arm"] for row in rows] == list(CLEAR)
    assert float(rows[1]["difference_mean"]) == pytest.approx(0.10025)
    assert rows[0]["difference_mean"] == ""
    runs = list(csv.DictReader(io.StringIO(runs_csv(found))))
    assert [float(row["acc"]) for row in runs if row["arm"] == "same"] == CLEAR["same"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_formats_take_any_name_and_any_gap(name: str) -> None:
    found = analysis({"base": [0.5], ODD: [], "failed too": []}, question=ODD)
    text = FORMATS[name](found)
    assert "nan" not in text.lower().replace("finance", "")
    if name == "json":
        assert json.loads(text)["arms"][1]["arm"]["label"] == ODD
    if name == "csv":
        assert next(row for row in csv.DictReader(io.StringIO(text)) if row["arm"] == ODD)["acc"] == ""


def test_markdown_tables_have_as_many_cells_in_every_row() -> None:
    text = to_markdown(analysis({"base": [0.5, 0.6], ODD: [0.6, 0.5]}))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_latex_is_balanced_and_escapes_what_would_be_a_command() -> None:
    text = to_latex(analysis({"base": [0.5, 0.6], ODD: [0.6, 0.5]}, question=ODD))
    plain = re.sub(r"\\[{}\\]", "", text)
    assert plain.count("{") == plain.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 3
    assert tex("50%_&") == r"50\%\_\&"
    assert tex("-0.1 [-2, 1-D]") == "$-$0.1 [$-$2, 1-D]"
    for table in re.findall(r"\\toprule\n(.*?)\\bottomrule", text, re.DOTALL):
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    (tmp_path / "report.tex").write_text(to_latex(analysis(FACTORIAL | {ODD: [0.5, 0.6]}, question=ODD)))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def test_introduction_tells_what_was_left_out() -> None:
    assert "Left out: x: too wide" in introduction(analysis(CLEAR))


def test_a_report_is_written_whole_into_a_folder(tmp_path: Path) -> None:
    names = {path.name for path in write_report(analysis(FACTORIAL, "factorial"), tmp_path)}
    assert names == {path.name for path in tmp_path.iterdir()}
    page = (tmp_path / "report.html").read_text()
    assert page.count("plotly.js v") == 1, "the library once"
    assert "src='http" not in page
    assert 'src="http' not in page


def test_figures_show_what_there_is() -> None:
    assert set(figures(analysis(CLEAR))) == {"differences", "tradeoff", "curves"}
    assert set(figures(analysis(FACTORIAL, "factorial"))) == {
        "differences", "effects", "interactions", "tradeoff", "curves",
    }  # fmt: skip
    assert figures(analysis({"base": [], "other": []} | {"third": []}, seeds=2)) == {}


def test_the_forest_plot_has_each_interval() -> None:
    found = analysis(CLEAR)
    shown = figures(found)["differences"]
    drawn = {
        shown.layout.yaxis.ticktext[row]: (x, x - less, x + more)
        for trace in shown.data
        for row, x, less, more in zip(
            trace.y, trace.x, trace.error_x.arrayminus or (), trace.error_x.array or (), strict=False
        )
    }
    for arm in found.arms[1:]:
        assert arm.difference
        assert drawn[arm.arm.label] == pytest.approx((arm.difference.mean, arm.difference.low, arm.difference.high))


def test_arrows_lead_from_the_base_to_every_arm() -> None:
    found = analysis(CLEAR)
    arrows = [a for a in figures(found)["tradeoff"].layout.annotations if a.showarrow]
    assert len(arrows) == 2 * 2
    base = found.arms[0]
    assert {(a.ax, a.ay) for a in arrows if a.xref == "x"} == {(math.log10(base.costs["params"]), base.mean)}


def test_interaction_plots_have_the_means_of_cells() -> None:
    (pair,) = interactions(analysis(FACTORIAL, "factorial"))
    assert (pair.one, pair.other) == ("a", "b")
    cells = {label: sum(values) / 3 for label, values in FACTORIAL.items()}
    assert pair.lines == {b: pytest.approx((cells[f"a=0,b={b}"], cells[f"a=1,b={b}"])) for b in ("0", "1")}


def test_the_dashboard_page_shows_an_ablation(storage: str) -> None:
    finished(storage)
    module = catalog.load(catalog.find("dashboards", "ablation"))
    with Store.open(storage) as store:
        assert len(module.page(store, "tricks")) == 5


def test_bands_need_every_seed_at_an_epoch() -> None:
    found = analysis(CLEAR)
    assert [point[0] for point in found.arms[0].curve] == [1, 2]
    assert found.arms[0].curve[1][1] == pytest.approx(found.arms[0].mean)


def test_long_names_are_broken_and_not_cut() -> None:
    label = "spatial=depthwise, channel=dense, kernel_size=3, activation=relu"
    found = analysis({"base": [0.5, 0.6], label: [0.6, 0.5], "short": [0.6, 0.5]})
    names = figures(found)["differences"].layout.yaxis.ticktext
    assert [name.replace("<br>", " ") for name in names] == [label, "short"]
    assert "<br>" in names[0]


def test_more_arms_than_a_panel_can_hold_get_one_each_with_the_base_in_all() -> None:
    few = figures(analysis(CLEAR))["curves"]
    assert {trace.xaxis for trace in few.data} == {"x"}
    many = figures(analysis(CLEAR | {"more": [0.7, 0.8], "most": [0.6, 0.7]}))["curves"]
    lines = [trace for trace in many.data if trace.fill != "toself"]
    bands = [trace for trace in many.data if trace.fill == "toself"]
    assert [t.name for t in lines] == ["base", "good", "base", "same", "base", "more", "base", "most"]
    assert len({trace.xaxis for trace in lines}) == 4
    assert len(bands) == len(lines)
