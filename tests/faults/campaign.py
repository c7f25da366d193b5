"""A campaign of faults against real searches: kills at random moments, signals, full and read-only disks, bad data.

    python tests/faults/campaign.py [--kills 100] [--seed 0] [--only kills] [--report FILE]

After each fault the same command is typed again until it ends well. Then must hold: the asked number of trials has
finished, no finished result was lost or changed, no candidate was trained twice, the front is the one that brute force
finds, both sides of the database agree, and SQLite finds it whole.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

PROBES = Path(__file__).parents[1] / "search"
TRIALS, EPOCHS = 12, 4
SEARCH = ("search", "--space", "splitmixer", "--objective", "acc,params", "--evaluator", "probe_evaluators:slow")
BUDGET = ("--trials", str(TRIALS), "--epochs", str(EPOCHS), "--workers", "2", "--plain")

Results = dict[int, tuple[str, str]]
"""Finished trials of a database: number to digest and values."""


@dataclass
class Report:
    """What was done to the searches, and what did not hold afterwards."""

    faults: Counter[str] = field(default_factory=Counter)
    searches: int = 0
    broken: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        done = [f"{count:5d}  {name}" for name, count in sorted(self.faults.items())]
        skipped = [f"skipped: {reason}" for reason in self.skipped]
        broken = [f"BROKEN: {what}" for what in self.broken] or ["everything held"]
        return [f"{self.searches} searches of {TRIALS} trials", *done, *skipped, *broken]


class Search:
    """The command of one folder, as a user types it again and again."""

    def __init__(self, folder: Path, *flags: str, command: tuple[str, ...] = SEARCH) -> None:
        self.folder, self.flags, self.command = folder, flags, command
        self.process: subprocess.Popen[str] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "mixnas.db"

    def start(self) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mixnas", *self.command, *BUDGET, *self.flags],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PROBES)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def end(self) -> tuple[int, str]:
        """Waits for the command; its exit code and what it said on standard error."""
        assert self.process is not None
        _, error = self.process.communicate(timeout=180)
        return self.process.returncode, error

    def again(self) -> tuple[int, str]:
        """Types the command once more and waits for its end."""
        self.start()
        return self.end()

    def workers(self) -> list[int]:
        assert self.process is not None
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except FileNotFoundError:
            return []
        return [int(pid) for pid in text.split()]

    def finished(self) -> Results:
        """What is in the database now; nothing where there is none yet."""
        if not self.database.exists():
            return {}
        query = "select number, digest, \"values\" from mixnas_trials where state = 'finished'"
        try:
            with sqlite3.connect(self.database, timeout=60) as db:
                return {number: (digest, values) for number, digest, values in db.execute(query)}
        except sqlite3.OperationalError:
            return {}


def check(search: Search, before: Results, label: str, report: Report) -> None:
    """What must hold once a search has come to its end."""
    report.searches += 1
    broken = list(_violations(search, before))
    report.broken += [f"{label}: {what}" for what in broken]


def _violations(search: Search, before: Results) -> Iterator[str]:
    after = search.finished()
    if len(after) != TRIALS:
        yield f"{len(after)} trials finished, {TRIALS} were asked for"
    if lost := [number for number, result in before.items() if after.get(number) != result]:
        yield f"finished trials lost or changed: {lost}"
    with sqlite3.connect(search.database) as db:
        (word,) = db.execute("pragma integrity_check").fetchone()
        keys = db.execute("select digest, epochs, seed from mixnas_trials").fetchall()
        running = db.execute("select count(*) from mixnas_trials where state = 'running'").fetchone()[0]
        open_trials = db.execute("select count(*) from trials where state in ('RUNNING', 'WAITING')").fetchone()[0]
        complete = db.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
    if word != "ok":
        yield f"integrity_check: {word}"
    if len(set(keys)) != len(keys):
        yield "a candidate was trained twice"
    if running or open_trials:
        yield f"left running: {running} here, {open_trials} in Optuna's tables"
    if complete != len(after):
        yield f"Optuna's tables have {complete} complete trials, ours {len(after)}"
    yield from _wrong_front(search, after)


def _wrong_front(search: Search, after: Results) -> Iterator[str]:
    values = {number: json.loads(text) for number, (_, text) in after.items()}
    points = {(v["acc"], v["params"]) for v in values.values()}
    expected = {p for p in points if not any(o[0] >= p[0] and o[1] <= p[1] and o != p for o in points)}
    shown = subprocess.run(
        [sys.executable, "-m", "mixnas", "pareto", "--json"], cwd=search.folder, capture_output=True, text=True
    )
    found = {(p["values"]["acc"], p["values"]["params"]) for p in json.loads(shown.stdout)}
    if found != expected:
        yield f"the front is {sorted(found)}, brute force finds {sorted(expected)}"


def until_done(search: Search, label: str, report: Report, tries: int = 4) -> None:
    """Types the command until it ends with 0."""
    for _ in range(tries):
        code, error = search.again()
        if "Traceback" in error:
            report.broken.append(f"{label}: traceback on the screen: {error[-300:]}")
        if code == 0:
            return
    report.broken.append(f"{label}: does not end well: exit code {code}: {error[-300:]}")


def kills(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """kill -9 of workers and of the driver at random moments, several in a search."""
    done = 0
    while done < wanted:
        search = Search(Path(tempfile.mkdtemp(dir=folder)))
        before: Results = {}
        for _ in range(min(rng.randint(2, 8), wanted - done)):
            if search.process is None or search.process.poll() is not None:
                search.start()
            time.sleep(rng.choice([0.05, 0.3, 1.0, 3.0]) * rng.random() * 2)
            before = {**before, **search.finished()}
            done += _kill_one(rng, search, report)
        if search.process is not None and search.process.poll() is None:
            search.end()
        until_done(search, "kills", report)
        check(search, before, "kills", report)
        print(f"{done} of {wanted} kills", file=sys.stderr)  # noqa: T201


def _kill_one(rng: random.Random, search: Search, report: Report) -> int:
    assert search.process is not None
    workers = search.workers()
    driver = rng.random() < 0.35 or not workers
    try:
        os.kill(search.process.pid if driver else rng.choice(workers), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    if driver:
        search.end()
    report.faults["kill -9 of the driver" if driver else "kill -9 of a worker"] += 1
    return 1


def signals(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """SIGTERM, Ctrl-C once, Ctrl-C twice."""
    for number in range(wanted):
        sequence = [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT)][number % 3]
        search = Search(Path(tempfile.mkdtemp(dir=folder)))
        search.start()
        time.sleep(rng.random() * 8)
        before = search.finished()
        assert search.process is not None
        for one in sequence:
            search.process.send_signal(one)
            time.sleep(0.02)
        code, error = search.end()
        label = " and ".join(one.name for one in sequence)
        # Before Python's own handlers are replaced, a signal ends the process as it ends any other.
        if code not in (0, 1, -sequence[0]) or ("Traceback" in error and code == 1):
            report.broken.append(f"{label}: exit code {code}: {error[-300:]}")
        report.faults[label] += 1
        until_done(search, label, report)
        check(search, before, label, report)


def full_disk(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The disk of the database is full; room is made, and the same command goes on."""
    for _ in range(wanted):
        with small_disk(folder, report, "4m") as disk:
            if disk is None:
                return
            search = Search(disk)
            search.start()
            time.sleep(3 + rng.random() * 3)
            before = search.finished()
            _fill(disk / "filler")
            code, error = search.end()
            if "Traceback" in error or (code != 0 and "error:" not in error):
                report.broken.append(f"full disk: exit code {code}: {error[-400:]}")
            report.faults["full disk" if code else "full disk (the search needed no more room)"] += 1
            (disk / "filler").unlink()
            until_done(search, "full disk", report)
            check(search, before, "full disk", report)


def read_only(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The database is on a disk that has become read-only."""
    for _ in range(wanted):
        with small_disk(folder, report, "16m") as disk:
            if disk is None:
                return
            search = Search(disk)
            search.start()
            time.sleep(2 + rng.random() * 4)
            assert search.process is not None
            search.process.send_signal(signal.SIGTERM)
            search.end()
            before = search.finished()
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            code, error = search.again()
            if code not in (1, 2) or "Traceback" in error:
                report.broken.append(f"read-only disk: exit code {code}: {error[-400:]}")
            report.faults["read-only disk"] += 1
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            until_done(search, "read-only disk", report)
            check(search, before, "read-only disk", report)


@contextmanager
def small_disk(folder: Path, report: Report, size: str) -> Iterator[Path | None]:
    """A tmpfs of its own; None where mounting is not allowed."""
    disk = Path(tempfile.mkdtemp(dir=folder))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)], capture_output=True)
    if done.returncode:
        report.skipped.append("full and read-only disks: a tmpfs cannot be mounted here")
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(path: Path) -> None:
    try:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass


def clock(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The clock jumps while a search is down: leases of a dead driver end an age ago, or an age from now."""
    for number in range(wanted):
        search = Search(Path(tempfile.mkdtemp(dir=folder)))
        search.start()
        time.sleep(3 + rng.random() * 4)
        assert search.process is not None
        search.process.kill()
        search.end()
        before = search.finished()
        if not search.database.exists():
            continue
        year = "1999" if number % 2 else "2099"
        with sqlite3.connect(search.database) as db:
            jump = "? || substr(held_until, 5)"
            db.execute(f"update mixnas_studies set held_until = {jump} where held_until != ''", [year])
            db.execute("update mixnas_attempts set lease_until = ? || substr(lease_until, 5)", [year])
        report.faults[f"clock jump ({'forward' if number % 2 else 'back'})"] += 1
        until_done(search, "clock jump", report)
        check(search, before, "clock jump", report)


def bad_data(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The file of the data set is cut off in the middle of a real search, and put back later."""
    command = ("search", "--space", "splitmixer", "--objective", "acc,params", "--constraint", "macs <= 50k")
    for _ in range(wanted):
        here = Path(tempfile.mkdtemp(dir=folder))
        images = np.random.default_rng(0).integers(0, 255, (120, 8, 8), dtype=np.uint8)
        np.savez(here / "mine.npz", images=images, labels=np.arange(120) % 3)
        search = Search(here, "--dataset", "mine.npz", command=command)
        search.start()
        time.sleep(6 + rng.random() * 6)
        before = search.finished()
        whole = (here / "mine.npz").read_bytes()
        (here / "mine.npz").write_bytes(whole[: len(whole) // 3])
        code, error = search.end()
        if "Traceback" in error:
            report.broken.append(f"data cut off: exit code {code}: {error[-400:]}")
        code, error = search.again() if len(search.finished()) < TRIALS else (2, "")
        if code not in (1, 2) or "Traceback" in error:
            report.broken.append(f"data cut off, second run: exit code {code}: {error[-400:]}")
        report.faults["data set cut off"] += 1
        (here / "mine.npz").write_bytes(whole)
        until_done(search, "data cut off", report)
        check(search, before, "data cut off", report)


SCENARIOS: dict[str, tuple[Callable[[random.Random, Path, Report, int], None], float]] = {
    "kills": (kills, 1.0),
    "signals": (signals, 0.09),
    "full_disk": (full_disk, 0.02),
    "read_only": (read_only, 0.02),
    "clock": (clock, 0.04),
    "bad_data": (bad_data, 0.02),
}
"""Each kind of fault, and how many of it come with one kill."""


def campaign(kills: int, seed: int, only: str = "") -> Report:
    """Runs it; the moments are drawn from the seed, what the machine does in them is not."""
    report, rng = Report(), random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="mixnas-faults-"))
    try:
        for name, (scenario, share) in SCENARIOS.items():
            if only in ("", name):
                scenario(rng, folder, report, max(round(kills * share), 1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *SCENARIOS])
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    started = time.monotonic()
    report = campaign(arguments.kills, arguments.seed, arguments.only)
    lines = [*report.lines(), f"{time.monotonic() - started:.0f} s, seed {arguments.seed}"]
    print("\n".join(lines))  # noqa: T201
    if arguments.report:
        arguments.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(bool(report.broken))


if __name__ == "__main__":
    main()
