"""Writes what the ablations of this folder say: `python studies/_gallery.py [DATABASE]`.

With a database, the runs of the studies that it holds at laptop scale go to `results/`. From the runs there, each
study's report and pictures are made, the line in its file that says how it was measured, and the page `README.md`; no
number in any of them is written by hand.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from PIL import Image

from mixnas.ablation.analysis import COSTS, Analysis, analyse, evaluate
from mixnas.ablation.experiment import prepare
from mixnas.ablation.formats import runs_csv, to_csv, to_markdown
from mixnas.ablation.plots import figures
from mixnas.ablation.report import measured_with
from mixnas.ablation.spec import AblationSpec, known_ablations, load_ablation
from mixnas.figures.save import save
from mixnas.records import Fidelity, Trial
from mixnas.store import Store

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
ENVIRONMENTS = RESULTS / "environments.json"
"""Study to the machine and the versions that it was measured with."""
PICTURES = {"differences": "Differences to the base", "interactions": "Interactions"}
"""Figures of an analysis that the page shows."""
NOWHERE = "sqlite:////nonexistent/mixnas.db"
"""No base of these studies is a trial of a database."""

HEAD = """\
# Ablations

Each file asks one question that the papers ask, or that their design begs for, says what the papers lead one to expect
and where that is said, and runs at three sizes:

    mixnas ablate splitmixer_tricks --scale smoke     # seconds, with the toy evaluator: does it run?
    mixnas ablate splitmixer_tricks --scale laptop    # minutes on two cores, 5 seeds, on 5,000 images of MNIST
    mixnas ablate splitmixer_tricks --scale paper     # the published size and recipe, on CIFAR-10

What stands under *Measured* was measured at laptop scale: small models, short trainings. It says whether the papers'
direction is seen there, and nothing about their own scale. Figures are validation accuracies, means over seeds with
95% intervals; a difference is told from noise by paired t-tests with Holm's correction. Seconds of training in the
reports were taken on a machine that did other work, too. This page is made by `python studies/_gallery.py`.
"""


def main(database: str = "") -> None:
    """Renews the runs, where a database is given, and all that is made of them."""
    names = sorted(known_ablations())
    if database:
        with Store.open(f"sqlite:///{database}") as store:
            for name in names:
                if store.has_study(f"{name}-laptop"):
                    keep_runs(store, name)
    for name in measured(names):
        write_report(name)
    (FOLDER / "README.md").write_text(page({name: load_ablation(name) for name in names}))


def keep_runs(store: Store, name: str) -> None:
    """What is measured of a study that has finished: its arms, its runs and the machine."""
    found = analyse(store, f"{name}-laptop")
    if found.finished + found.failed < found.wanted:
        return
    (RESULTS / f"{name}.csv").write_text(to_csv(found))
    (RESULTS / f"{name}-runs.csv").write_text(runs_csv(found))
    known = json.loads(ENVIRONMENTS.read_text()) | {name: found.environment}
    ENVIRONMENTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def measured(names: list[str]) -> list[str]:
    """The studies that have been run at laptop scale."""
    return [name for name in names if (RESULTS / f"{name}-runs.csv").exists()]


def rows(name: str, ending: str = ".csv") -> list[dict[str, str]]:
    """The arms of a study, or its runs (`-runs.csv`)."""
    with (RESULTS / f"{name}{ending}").open(newline="") as file:
        return list(csv.DictReader(file))


def analysis(name: str) -> Analysis:
    """The analysis of a study's runs; learning curves are not kept."""
    asked = prepare(replace(load_ablation(name).at("laptop"), evaluator="toy"), NOWHERE)  # costs without a trace
    arms = {arm["arm"]: arm for arm in rows(name)}
    spec: dict[str, Any] = {**asked.to_dict(), "evaluator": "train"}
    for arm in spec["arms"]:
        arm["costs"] = {
            c: float(arms[arm["label"]][c]) for c in COSTS if c != "train_seconds" and arms[arm["label"]].get(c)
        }
    trials: list[Trial] = []
    for run in rows(name, "-runs.csv"):
        arm = arms[run["arm"]]
        values = {"acc": float(run["acc"]), "train_seconds": float(arm["train_seconds"])}
        fidelity = Fidelity(spec["epochs"], int(run["seed"]))
        trials.append(Trial(spec["name"], len(trials), arm["digest"], {}, "finished", values, fidelity))
    return evaluate(spec, json.loads(ENVIRONMENTS.read_text())[name], trials, {})


def write_report(name: str) -> None:
    """The report of a study, its pictures, and the line in its file that says how it was measured."""
    found = analysis(name)
    (RESULTS / f"{name}.csv").write_text(to_csv(found))
    (RESULTS / f"{name}.md").write_text(to_markdown(found))
    for kind, figure in figures(found).items():
        if kind in PICTURES:
            draw(figure, RESULTS / f"{name}-{kind}.png")
    path = FOLDER / f"{name}.py"
    path.write_text(with_measured(path.read_text(), how(found)))


def draw(figure: go.Figure, path: Path) -> None:
    """The figure as a picture of few colours, which takes a quarter of the room."""
    save(figure, path, width=900)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(64)
    few.save(path, optimize=True)


def how(found: Analysis) -> str:
    """How a study was measured: data, seeds, spread, device and versions."""
    spec, seeds = found.spec, [found.spec["seed"], found.spec["seed"] + found.spec["seeds"] - 1]
    spread = [arm.sd for arm in found.arms]
    return (
        f"{spec['dataset']}, {spec['epochs']} epochs, seeds {seeds[0]} to {seeds[1]}; standard deviation of "
        f"{found.metric.name} over seeds {min(spread):.4f} to {max(spread):.4f} by arm; {measured_with(found)}"
    )


def with_measured(text: str, words: str) -> str:
    """The text of a study's file with the field `measured` renewed; it stands after `result`."""
    lines = textwrap.wrap(words, 100, drop_whitespace=False, break_on_hyphens=False)
    field = "    measured=(\n" + "".join(f'        "{line}"\n' for line in lines) + "    ),\n"
    text = re.sub(r"    measured=\(\n.*?\n    \),\n", "", text, flags=re.DOTALL)
    return re.sub(r"(    result=\(\n.*?\n    \),\n)", lambda found: found[1] + field, text, flags=re.DOTALL)


def page(studies: Mapping[str, AblationSpec]) -> str:
    """First what was measured, study by study, then what was not yet."""
    known = measured(list(studies))
    waiting = [f"| [{n}]({n}.py) | {s.question} | {s.expectation} |" for n, s in studies.items() if n not in known]
    parts = [HEAD, *(section(name, studies[name]) for name in known)]
    if waiting:
        head = ["## Not measured yet", "", "| study | question | expected |", "| --- | --- | --- |"]
        parts.append("\n".join([*head, *waiting, ""]))
    return "\n".join(parts)


def section(name: str, study: AblationSpec) -> str:
    """What the page says of a study."""
    lines = [f"## [{name}]({name}.py)", "", study.question, "", f"*Expected:* {study.expectation} ({study.source})", ""]
    lines += [f"*Measured* ([report](results/{name}.md)): {study.result}", ""]
    for kind, words in PICTURES.items():
        if (RESULTS / f"{name}-{kind}.png").exists():
            lines += [f"![{words}: {name}](results/{name}-{kind}.png)", ""]
    return "\n".join([*lines, *table(name), "", f"*How:* {study.measured}.", ""])


def table(name: str) -> list[str]:
    """One row an arm: accuracy, difference to the base, parameters and multiply-accumulates."""
    lines = ["| arm | acc | difference to base | params | MACs | |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    for arm in rows(name):
        names = list(arm)
        levels = [f"{factor}={arm[factor]}" for factor in names[names.index("digest") + 1 : names.index("seeds")]]
        label = f"base: {', '.join(levels)}" if arm["arm"] == "base" else arm["arm"]
        half = (float(arm["acc_high"]) - float(arm["acc_low"])) / 2
        difference = ""
        if arm["difference_mean"]:
            mean, low, high = (float(arm[f"difference_{end}"]) for end in ("mean", "low", "high"))
            difference = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
        costs = " | ".join(f"{float(arm[cost]):,.0f}" for cost in ("params", "macs"))
        level = f"{float(arm['acc']):.4f} ± {half:.4f}"
        lines.append(f"| {label} | {level} | {difference} | {costs} | {arm['difference_verdict']} |")
    return lines


if __name__ == "__main__":
    main(*sys.argv[1:])
