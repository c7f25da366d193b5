"""A campaign of faults against real searches: kills at random moments, signals, full and read-only disks, bad data.

    python -m tests.faults.campaign [--kills 100] [--seed 0] [--only kills] [--report FILE]

After each fault the same command is typed again until it ends well. Then must hold: the asked number of trials has
ended, no finished result was lost or changed, no candidate was trained twice, the front is the one that brute force
finds, both sides of the database agree, and SQLite finds it whole.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from tests.faults.searches import QUICK, REAL, TRIALS, Report, Results, Search, check, fill, small_disk, until_done

Scenario = Callable[[random.Random, Path, Report, int], None]
PARTS_OF_RAY = ("actor", "worker", "node", "driver")


def kills(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """kill -9 of workers and of the driver at random moments, several in a search."""
    done = 0
    while done < wanted:
        search, before = Search(Path(tempfile.mkdtemp(dir=folder))), Results()
        for _ in range(min(rng.randint(2, 8), wanted - done)):
            _to_a_random_moment(rng, search)
            before |= search.finished()
            done += _kill_one(rng, search, report)
        if search.running:
            search.end()
        until_done(search, "kills", report)
        check(search, before, "kills", report)
        print(f"{done} of {wanted} kills", file=sys.stderr)  # noqa: T201


def _to_a_random_moment(rng: random.Random, search: Search) -> None:
    """A little after the start of the command, or after so many more trials; by trials, since machines differ."""
    if not search.running:
        search.start()
    if rng.random() < 0.8:
        search.wait_for(rng.randint(0, 3))
    time.sleep(rng.random() * rng.choice([0.1, 0.5, 2.0]))


def _kill_one(rng: random.Random, search: Search, report: Report) -> int:
    workers = search.processes("mixnas.search.worker")
    driver = rng.random() < 0.35 or not workers
    assert search.process is not None
    if not _kill(search.process.pid if driver else rng.choice(workers)):
        return 0
    if driver:
        search.end()
    report.faults["kill -9 of the driver" if driver else "kill -9 of a worker"] += 1
    return 1


def _kill(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def ray(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """kill -9 of an actor, its worker, the node and the driver of searches on Ray clusters of their own."""
    done = 0
    while done < wanted:
        search, before = Search(Path(tempfile.mkdtemp(dir=folder)), *QUICK, "--backend", "ray"), Results()
        for kind in rng.sample(PARTS_OF_RAY, min(len(PARTS_OF_RAY), wanted - done)):
            if not search.running:
                search.start()
            search.wait_for(1)
            time.sleep(rng.random())
            before |= search.finished()
            victims = _parts_of_ray(search, kind)
            if search.running and victims and _kill(rng.choice(victims)):
                report.faults[f"kill -9 on Ray, {kind}"] += 1
                done += 1
            if kind in ("driver", "node"):
                code, error = search.end()
                _clear(search)
                if "Traceback" in error:
                    report.broken.append(f"ray, {kind} killed: exit code {code}: {error[-400:]}")
        if search.running:
            search.end()
        until_done(search, "ray", report)
        check(search, before, "ray", report)


def _parts_of_ray(search: Search, kind: str) -> list[int]:
    assert search.process is not None
    if kind == "driver":
        return [search.process.pid]
    workers = search.processes("mixnas.search.worker")
    return {"node": search.processes("raylet/raylet"), "actor": search.parents(workers), "worker": workers}[kind]


def _clear(search: Search) -> None:
    """Ends what a killed driver left of its cluster."""
    assert search.process is not None
    with suppress(ProcessLookupError):
        os.killpg(search.process.pid, signal.SIGKILL)


def signals(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """SIGTERM, Ctrl-C once, Ctrl-C twice."""
    for number in range(wanted):
        sequence = [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT)][number % 3]
        search = Search(Path(tempfile.mkdtemp(dir=folder)))
        _to_a_random_moment(rng, search)
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
            search.wait_for(rng.randint(1, 5))
            before = search.finished()
            fill(disk / "filler")
            code, error = search.end()
            if "Traceback" in error or (code != 0 and "error:" not in error):
                report.broken.append(f"full disk: exit code {code}: {error[-400:]}")
            report.faults["full disk" if code else "full disk (the search needed no more room)"] += 1
            (disk / "filler").unlink()
            until_done(search, "full disk", report)
            check(search, before, "full disk", report)


def no_checkpoints(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The disk of the checkpoints has no room for one: trainings that are promoted begin again."""
    for _ in range(wanted):
        here = Path(tempfile.mkdtemp(dir=folder))
        with small_disk(here, report, "16k", "mixnas.db.checkpoints") as disk:
            if disk is None:
                return
            search = Search(here, *REAL, "--early-stopping", "mo-asha")
            _to_a_random_moment(rng, search)
            before = search.finished()
            code, error = search.end()
            if code != 0:
                report.broken.append(f"no room for checkpoints: exit code {code}: {error[-400:]}")
            report.faults["full disk for checkpoints"] += 1
            until_done(search, "no room for checkpoints", report)
            check(search, before, "no room for checkpoints", report)


@contextmanager
def made_read_only(disk: Path) -> Iterator[None]:
    """Whoever opens something there in the block finds a read-only disk.

    The folder is mounted a second time over itself: the first mount may still be busy for a while with what processes
    that were told to end had open for writing.
    """
    subprocess.run(["mount", "--bind", str(disk), str(disk)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def read_only(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The database is on a disk that has become read-only."""
    for _ in range(wanted):
        with small_disk(folder, report, "16m") as disk:
            if disk is None:
                return
            search = Search(disk)
            search.start()
            search.wait_for(rng.randint(1, 5))
            assert search.process is not None
            search.process.send_signal(signal.SIGTERM)
            search.end()
            before = search.finished()
            with made_read_only(disk):
                code, error = search.again()
            if code not in (1, 2) or "Traceback" in error:
                report.broken.append(f"read-only disk: exit code {code}: {error[-400:]}")
            report.faults["read-only disk"] += 1
            until_done(search, "read-only disk", report)
            check(search, before, "read-only disk", report)


def clock(rng: random.Random, folder: Path, report: Report, wanted: int) -> None:
    """The clock jumps while a search is down: leases of a dead driver end an age ago, or an age from now."""
    for number in range(wanted):
        search = Search(Path(tempfile.mkdtemp(dir=folder)))
        search.start()
        search.wait_for(rng.randint(1, 5))
        assert search.process is not None
        search.process.kill()
        search.end()
        before = search.finished()
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
    for _ in range(wanted):
        here = Path(tempfile.mkdtemp(dir=folder))
        images = np.random.default_rng(0).integers(0, 255, (120, 8, 8), dtype=np.uint8)
        np.savez(here / "mine.npz", images=images, labels=np.arange(120) % 3)
        search = Search(here, *REAL, "--dataset", "mine.npz")
        search.start()
        search.wait_for(rng.randint(1, 3))
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


SCENARIOS: dict[str, tuple[Scenario, float]] = {
    "kills": (kills, 1.0),
    "ray": (ray, 0.08),
    "signals": (signals, 0.09),
    "full_disk": (full_disk, 0.02),
    "no_checkpoints": (no_checkpoints, 0.02),
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
