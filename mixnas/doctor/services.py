"""The database, the Ray cluster, and a search of a few seconds: what only trying tells."""

from __future__ import annotations

import re
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mixnas.doctor.check import Check, run_python
from mixnas.study import DEFAULT_STORAGE

RAY_SECONDS = 60.0
TEST_SECONDS = 120.0
"""The test takes about ten seconds on an idle machine."""

_SEARCH = (
    *("-m", "mixnas", "search", "--space", "splitmixer_small", "--objective", "acc,params", "--trials", "2"),
    *("--epochs", "1", "--workers", "1", "--sampler", "random", "--study", "doctor", "--plain"),
)
_CONNECT = """
import logging, os, sys
os.environ["RAY_AUTH_MODE"] = os.environ.get("RAY_AUTH_MODE", "disabled")
import ray
ray.init(address=sys.argv[1], logging_level=logging.CRITICAL, log_to_driver=False)
found = ray.cluster_resources()
print("FOUND", int(found.get("CPU", 0)), int(found.get("GPU", 0)), sum(n["Alive"] for n in ray.nodes()))
"""


def database(storage: str) -> Iterator[Check]:
    """Whether the database opens, is whole and of our version. One that is older is left as it is."""
    from mixnas.store.connect import locate
    from mixnas.store.health import look

    url = storage or DEFAULT_STORAGE
    location = locate(url)
    if not storage and location.path is not None and not location.path.exists():
        yield Check("database", url, "absent", "not there yet; `mixnas search` makes it")
        return
    found = look(url)
    version = f"schema version {found.version}" + ("" if found.current else ", brought up to date at the next search")
    if found.integrity != "ok":
        mend = "restore a backup, or save what can be read with `sqlite3 FILE .recover`"
        yield Check("database", location.shown, "problem", f"it is damaged: {found.integrity}", mend)
    else:
        studies = "1 study" if found.studies == 1 else f"{found.studies} studies"
        yield Check("database", location.shown, "ok", f"{version}, {studies}, whole")


def ray(address: str) -> Iterator[Check]:
    """Whether the cluster answers; nothing is started, and nothing is asked of it but its resources."""
    if not address:
        yield Check("ray", "cluster", "absent", "not asked for: --address auto, HOST:PORT or ray://HOST:PORT looks")
        return
    mend = "start one with `ray start --head`, or see that the address and its firewall are right"
    if (refused := _refused(address)) is not None:
        yield Check("ray", address, "problem", refused, mend)
        return
    ended = run_python(["-c", _CONNECT, address], RAY_SECONDS)
    told = re.search(r"^FOUND (\d+) (\d+) (\d+)$", ended.out, re.MULTILINE)
    if told is None:
        yield Check("ray", address, "problem", f"no cluster answers: {ended.last_line}", mend)
    else:
        yield Check("ray", address, "ok", f"{told[3]} nodes with {told[1]} CPUs and {told[2]} GPUs")


def _refused(address: str) -> str | None:
    """Why nobody can listen at an address; Ray itself would try for minutes."""
    if address == "auto":
        return None
    match = re.fullmatch(r"(?:ray://)?\[?([^\[\]/]+?)\]?:(\d{1,5})", address)
    if match is None or int(match[2]) > 65535:
        return "that is no address: auto, HOST:PORT or ray://HOST:PORT"
    try:
        socket.create_connection((match[1], int(match[2])), timeout=5).close()
    except (OSError, UnicodeError) as error:
        return f"nobody answers: {error}"
    return None


def self_test() -> Iterator[Check]:
    """A search of two trainings on real images, in a folder of its own: spaces, training, workers, store, front."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mixnas-doctor-") as folder:
        ended = run_python(_SEARCH, TEST_SECONDS, Path(folder))
        seconds = time.monotonic() - started
        if ended.code != 0:
            mend = "mend what is named above; then type `mixnas search --space splitmixer_small --trials 2`"
            yield Check("self-test", "search", "problem", f"it failed: {ended.last_line}", mend)
            return
        yield from _result(Path(folder) / "mixnas.db", seconds)


def _result(path: Path, seconds: float) -> Iterator[Check]:
    from mixnas.store import Store

    with Store.open(f"sqlite:///{path}") as store:
        trials = store.trials("doctor", "finished")
        front = store.fronts("doctor")
    if len(trials) != 2 or not front:
        yield Check("self-test", "search", "problem", f"{len(trials)} of 2 trainings came to their end", "try again")
        return
    best = max(trial.values["acc"] for trial in trials)
    detail = f"2 networks trained, stored and ranked in {seconds:.1f} s; the better one has accuracy {best:.2f}"
    yield Check("self-test", "search", "ok", detail)
