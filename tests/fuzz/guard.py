"""A sandbox for hostile input: what is done in it is watched, timed and forgotten.

A finding is anything but a return or a MixnasError: another exception, a time-out, a file written outside of the places
that were asked for (anywhere on the machine), a process started, a socket connected.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from mixnas.errors import MixnasError

WALL_SECONDS = 120.0
"""For what waits for nothing. What works in vain is stopped by its CPU seconds, which no busy machine adds to."""

_STARTS = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn")
_CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.symlink": 1, "os.link": 1, "os.chmod": 0}
_NAMES_OF_THE_MACHINE = ("uname", "file", "lscpu", "nvidia-smi")
"""Programs that `platform` and torch start to learn where they are."""


class Hang(BaseException):
    """The time is up. Not an Exception, so that nobody takes it for a mistake in the input."""


class Sandbox:
    """A folder with a home, a current folder and a temporary folder of its own; a context manager."""

    _hooked: Sandbox | None = None
    _armed: Sandbox | None = None

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="mixnas-fuzz-")).resolve()
        self.work, self.home, self.temp = (self.root / name for name in ("work", "home", "temp"))
        self.seen: list[str] = []
        self.asked: tuple[str, ...] = ()
        self._before: dict[str, Any] = {}
        self._others: frozenset[int] = frozenset()

    def __enter__(self) -> Self:
        for folder in (self.work, self.home, self.temp):
            folder.mkdir()
        places = {"HOME": self.home, "TMPDIR": self.temp, "XDG_CACHE_HOME": self.home / ".cache"}
        self._before = {"cwd": Path.cwd(), "env": dict(os.environ), "temp": tempfile.tempdir}
        os.environ.update({name: str(path) for name, path in places.items()})
        os.environ.pop("MIXNAS_DATA", None)
        tempfile.tempdir = str(self.temp)
        os.chdir(self.work)
        if Sandbox._hooked is None:
            sys.addaudithook(_audit)
            Sandbox._hooked = self
        return self

    def __exit__(self, *error: object) -> None:
        os.chdir(self._before["cwd"])
        os.environ.clear()
        os.environ.update(self._before["env"])
        tempfile.tempdir = self._before["temp"]
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, feed: Callable[[], object], seconds: float, asked: tuple[str, ...] = ()) -> tuple[str, str]:
        """Runs one input: `accepted` or `refused`, or `finding` with what was found.

        Args:
            seconds: CPU seconds that it may take.
            asked: what the user named; files that start with one of these paths may be written.
        """
        self.seen = []
        self.asked = tuple(str((self.work / name).resolve()) for name in asked)
        outcome, why = "accepted", ""
        try:
            with _time_limit(seconds), self._watching():
                feed()
        except MixnasError as error:
            outcome = "refused"
            why = "" if str(error).strip() else "an error without a message"
        except (Exception, SystemExit, Hang, KeyboardInterrupt) as error:
            why = "".join(traceback.format_exception(error)[-8:])
        why = why or "; ".join(self.seen)
        return ("finding", why) if why else (outcome, "")

    def clear(self) -> None:
        """An empty current folder for the next input, and whether anything lies where nothing may."""
        for folder in (self.work, self.temp):
            for entry in list(folder.iterdir()):
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    def allows(self, path: str) -> bool:
        """Whether a file may be written: asked for, temporary, or the database and its companions in this folder."""
        full = str(Path(path).absolute() if path.startswith("/") else (self.work / path))
        full = os.path.normpath(full)
        database = str(self.work / "mixnas.db")
        return full.startswith((str(self.temp), database, "/dev/", "/proc/self/")) or any(
            full.startswith(place.removesuffix(".yaml").removesuffix(".npz"))
            or (full.startswith(str(Path(place).parent / ".")) and Path(place).name in full)
            for place in self.asked
        )

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Watches what the input does, not what earlier tests left: threads, and cycles to collect."""
        here = threading.get_ident()
        self._others = frozenset(thread.ident or 0 for thread in threading.enumerate() if thread.ident != here)
        collects = gc.isenabled()
        gc.disable()
        Sandbox._armed = self
        try:
            yield
        finally:
            Sandbox._armed = None
            if collects:
                gc.enable()

    def note(self, what: str) -> None:
        """Remembers something that should not have happened."""
        if len(self.seen) < 5:
            self.seen.append(what)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own account of what is done in this process; harmless where no sandbox is armed."""
    box = Sandbox._armed
    if box is None or threading.get_ident() in box._others:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _changed(box, event, path)
    elif event in _CHANGES:
        _changed(box, event, arguments[_CHANGES[event]])
    elif event in _STARTS:
        program = os.fspath(arguments[0]) if arguments and arguments[0] else "?"
        program = program.decode(errors="replace") if isinstance(program, bytes) else str(program)
        if Path(program).name not in _NAMES_OF_THE_MACHINE:
            box.note(f"{event}: {str(arguments[:2])[:200]}")
    elif event == "socket.connect":
        box.note(f"socket.connect: {str(arguments[1:])[:200]}")


def _changed(box: Sandbox, event: str, path: object) -> None:
    if isinstance(path, int):
        return
    text = os.fsdecode(os.fspath(path))  # type: ignore[call-overload]
    if not box.allows(text):
        box.note(f"{event} of {text[:200]!r}")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise Hang(f"not done after {seconds:g} CPU seconds" if number == signal.SIGPROF else "it waits for nothing")

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
