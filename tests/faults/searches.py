"""The searches of the fault campaign as a user types them, and what must hold of each once it has come to its end."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "search")])}
TRIALS = 12
SEARCH = ("search", "--space", "splitmixer", "--objective", "acc,params", "--trials", str(TRIALS), "--plain")
QUICK = ("--evaluator", "probe_evaluators:slow", "--epochs", "4", "--workers", "2")
REAL = ("--constraint", "macs <= 50k", "--epochs", "4", "--workers", "2")

PATIENCE = 600.0
"""Longest wait for a command, in seconds: a campaign may run beside much else."""

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

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder, self.flags = folder, flags or QUICK
        self.process: subprocess.Popen[str] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "mixnas.db"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mixnas", *SEARCH, *self.flags],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def end(self) -> tuple[int, str]:
        """Waits for the command; its exit code and what it said on standard error."""
        assert self.process is not None
        _, error = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, error

    def again(self) -> tuple[int, str]:
        """Types the command once more and waits for its end."""
        self.start()
        return self.end()

    def wait_for(self, more: int) -> None:
        """Waits until so many more trials have finished, or the command has ended."""
        until, wanted = time.monotonic() + PATIENCE, len(self.finished()) + more
        while self.running and len(self.finished()) < wanted and time.monotonic() < until:
            time.sleep(0.1)

    def processes(self, word: str) -> list[int]:
        """The command's child processes, and theirs, whose command line has the word."""
        assert self.process is not None
        parents, found = _parents(), []
        for pid in parents:
            above = pid
            while above and above != self.process.pid:
                above = parents.get(above, 0)
            if above and pid != self.process.pid and word in _command(pid):
                found.append(pid)
        return found

    def parents(self, pids: list[int]) -> list[int]:
        """The parents of processes."""
        parents = _parents()
        return [parents[pid] for pid in pids if pid in parents]

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


def _parents() -> dict[int, int]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def check(search: Search, before: Results, label: str, report: Report) -> None:
    """What must hold once a search has come to its end."""
    report.searches += 1
    broken = list(_violations(search, before))
    report.broken += [f"{label}: {what}" for what in broken]


def _violations(search: Search, before: Results) -> Iterator[str]:
    after = search.finished()
    if lost := [number for number, result in before.items() if after.get(number) != result]:
        yield f"finished trials lost or changed: {lost}"
    with sqlite3.connect(search.database) as db:
        (word,) = db.execute("pragma integrity_check").fetchone()
        keys = db.execute("select digest, epochs, seed from mixnas_trials").fetchall()
        running = db.execute("select count(*) from mixnas_trials where state = 'running'").fetchone()[0]
        open_trials = db.execute("select count(*) from trials where state in ('RUNNING', 'WAITING')").fetchone()[0]
        stopped = db.execute("select count(*) from mixnas_trials where state = 'stopped'").fetchone()[0]
        complete = db.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
    if len(after) + stopped != TRIALS:
        yield f"{len(after)} trials finished and {stopped} were stopped early, {TRIALS} were asked for"
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
    command = [sys.executable, "-m", "mixnas", "pareto", "--json"]
    shown = subprocess.run(command, cwd=search.folder, env=ENVIRONMENT, capture_output=True, text=True)
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


@contextmanager
def small_disk(folder: Path, report: Report, size: str, name: str = "") -> Iterator[Path | None]:
    """A tmpfs of its own; None where mounting is not allowed."""
    disk = folder / name if name else Path(tempfile.mkdtemp(dir=folder))
    disk.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)], capture_output=True)
    if done.returncode:
        report.skipped.append("full and read-only disks: a tmpfs cannot be mounted here")
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    try:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
