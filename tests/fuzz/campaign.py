"""A campaign of hostile input: at least 100,000 inputs with a fixed seed, and what was found.

    python tests/fuzz/campaign.py [--inputs 100000] [--seed 0] [--only TARGET] [--report FILE] [--guided 0]

Nothing may end in a traceback, hang, run code, start a process, or write a file outside of the asked places. Then the
named attacks of `cases.py`; with `--guided N`, N more inputs for each text reader, led by coverage (atheris).
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tests.fuzz import cases, commands  # noqa: E402 - found after the line above
from tests.fuzz.guard import Sandbox  # noqa: E402
from tests.fuzz.targets import TARGETS, Target  # noqa: E402

EVERY: dict[str, Target] = {**TARGETS, commands.COMMANDS.name: commands.COMMANDS}
MOST_SHOWN = 400
"""Characters of an input and of its traceback in the report."""


@dataclass
class Report:
    """Inputs by target and outcome, and the findings."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    """Findings by target, place and kind of error."""
    slowest: dict[str, float] = field(default_factory=dict)
    """CPU seconds of the slowest input by target."""

    @property
    def findings(self) -> list[str]:
        """The first of each kind, and how often it came."""
        return [f"{len(found)} times: {found[0]}" for found in self.kinds.values()]

    @property
    def inputs(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())

    def add(self, target: str, outcome: str, value: Any, why: str) -> None:
        """Counts an input, and keeps it where something was found."""
        self.outcomes[target, outcome] += 1
        if outcome == "finding":
            lines = why.strip().splitlines()
            place = next((line for line in reversed(lines) if line.startswith("  File ") and "mixnas" in line), "")
            shown = f"{target}: {repr(value)[:MOST_SHOWN]}\n{why[-4 * MOST_SHOWN :]}"
            self.kinds.setdefault(f"{target} {place} {lines[-1].partition(':')[0]}", []).append(shown)

    def lines(self) -> list[str]:
        """For people."""
        rows = ["  inputs  accepted  refused  findings  seconds  slowest  target"]
        for name in dict.fromkeys(target for target, _ in self.outcomes):
            counts = [self.outcomes[name, outcome] for outcome in ("accepted", "refused", "finding")]
            numbers = f"{sum(counts):8,}  {counts[0]:8,}  {counts[1]:7,}  {counts[2]:8}"
            rows.append(f"{numbers}  {self.seconds[name]:7.0f}  {self.slowest[name]:6.1f}s  {name}")
        found = sum(n for (_, outcome), n in self.outcomes.items() if outcome == "finding")
        return [*rows, f"{self.inputs:8,} inputs, {found} findings"]


def feed_target(target: Target, count: int, seed: int, box: Sandbox, report: Report) -> None:
    """So many inputs for one target; each target draws from a generator of its own."""
    rng, started = random.Random(f"{seed}/{target.name}"), time.process_time()
    for _ in range(count):
        value = target.make(rng)
        asked = commands.asked(value) if target is commands.COMMANDS else (".",)
        _feed_one(target, value, asked, box, report)
    report.seconds[target.name] = time.process_time() - started


def _feed_one(target: Target, value: Any, asked: tuple[str, ...], box: Sandbox, report: Report, name: str = "") -> None:
    started = time.process_time()
    outcome, why = box.run(lambda: target.feed(value), target.seconds, asked)
    spent = time.process_time() - started
    if cases.harmed() or (box.root / "harmed").exists():
        outcome, why = "finding", "code was executed"
    if name and outcome == "accepted" and name not in cases.FINE:
        outcome, why = "finding", "it was accepted"
    label = "named attacks" if name else target.name
    report.add(label, outcome, name or value, why)
    report.slowest[label] = max(report.slowest.get(label, 0.0), spent)
    box.clear()


def feed_cases(box: Sandbox, report: Report) -> None:
    """Every named attack."""
    started = time.process_time()
    for name, (target, make) in cases.CASES.items():
        _feed_one(EVERY[target], make(), (".",), box, report, name)
    report.seconds["named attacks"] = time.process_time() - started


def campaign(inputs: int, seed: int, only: str = "") -> Report:
    """Runs it. The same seed makes the same inputs."""
    report = Report()
    with Sandbox() as box:
        warm_up(box)
        if not only:
            feed_cases(box, report)
        for name, target in EVERY.items():
            if only in ("", name):
                feed_target(target, inputs if only else -(-inputs * target.share // 1000), seed, box, report)
                print(f"{report.inputs:,} inputs, {len(report.findings)} findings: {name}", file=sys.stderr)  # noqa: T201
    return report


def warm_up(box: Sandbox) -> None:
    """Loads what is loaded at the first use, so that no input is charged with it."""
    throwaway = Report()
    sys.dont_write_bytecode = True
    for target in EVERY.values():
        feed_target(target, 3, -1, box, throwaway)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *EVERY])
    parser.add_argument("--guided", type=int, default=0, help="inputs led by coverage for each text reader")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    if arguments.report:
        arguments.report = arguments.report.absolute()
    started = time.monotonic()
    report = campaign(arguments.inputs, arguments.seed, arguments.only)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    lines = report.lines()
    if arguments.guided:
        from tests.fuzz.guided import guided

        lines += guided(arguments.guided, arguments.seed, report)
    lines += [f"{time.monotonic() - started:.0f} s, at most {memory:,} MiB of memory, seed {arguments.seed}"]
    lines += ["", *report.findings] if report.findings else []
    print("\n".join(lines))  # noqa: T201
    if arguments.report:
        arguments.report.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="backslashreplace")
    sys.exit(bool(report.findings))


if __name__ == "__main__":
    main()
