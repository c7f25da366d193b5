"""Writes what the ablations of this folder say: `python studies/_gallery.py [DATABASE]`.

With a database, the reports of the studies that it holds at laptop scale go to `results/`, as `mixnas ablate` writes
them. The page `README.md` is made of the study files and of those reports; no number in it is written by hand.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from mixnas.ablation.analysis import analyse
from mixnas.ablation.formats import runs_csv, to_csv, to_markdown
from mixnas.ablation.spec import AblationSpec, known_ablations, load_ablation
from mixnas.store import Store

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"

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
    """Renews the reports, where a database is given, and the page."""
    names = sorted(known_ablations())
    if database:
        with Store.open(f"sqlite:///{database}") as store:
            for name in names:
                if store.has_study(f"{name}-laptop"):
                    write_report(store, name)
    (FOLDER / "README.md").write_text(page({name: load_ablation(name) for name in names}))


def page(studies: Mapping[str, AblationSpec]) -> str:
    """First what was measured, study by study, then what was not yet."""
    measured = [name for name in studies if (RESULTS / f"{name}.csv").exists()]
    waiting = [f"| [{n}]({n}.py) | {s.question} | {s.expectation} |" for n, s in studies.items() if n not in measured]
    parts = [HEAD, *(section(name, studies[name]) for name in measured)]
    if waiting:
        head = ["## Not measured yet", "", "| study | question | expected |", "| --- | --- | --- |"]
        parts.append("\n".join([*head, *waiting, ""]))
    return "\n".join(parts)


def write_report(store: Store, name: str) -> None:
    """The report of a study that has finished, for readers and for programs."""
    found = analyse(store, f"{name}-laptop")
    if found.finished + found.failed < found.wanted:
        return
    RESULTS.mkdir(exist_ok=True)
    for ending, text in ((".md", to_markdown(found)), (".csv", to_csv(found)), ("-runs.csv", runs_csv(found))):
        (RESULTS / f"{name}{ending}").write_text(text)


def section(name: str, study: AblationSpec) -> str:
    """What the page says of a study."""
    lines = [f"## [{name}]({name}.py)", "", study.question, "", f"*Expected:* {study.expectation} ({study.source})", ""]
    lines += [f"*Measured* ([report](results/{name}.md)): {study.result}", "", *table(RESULTS / f"{name}.csv")]
    return "\n".join([*lines, ""])


def table(report: Path) -> list[str]:
    """One row an arm: accuracy, difference to the base, parameters and multiply-accumulates."""
    rows = ["| arm | acc | difference to base | params | MACs | |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    with report.open(newline="") as file:
        for arm in csv.DictReader(file):
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
            rows.append(f"| {label} | {level} | {difference} | {costs} | {arm['difference_verdict']} |")
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
