"""What an examination finds, and the processes that it is done in: none of them may hang or bring us down."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mixnas.errors import MixnasError
from mixnas.printable import printable

State = Literal["ok", "absent", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `absent` is something optional that is not there."""

    group: str
    name: str
    state: State
    detail: str
    mend: str = ""
    """What to do about it; one line."""


def guarded(group: str, name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """The checks of a group; an error in it is a problem found, never the end of the examination."""
    try:
        yield from look()
    except MixnasError as error:
        yield Check(group, name, "problem", printable(error.message, 200), printable(error.hint, 200))
    except Exception as error:  # a broken installation can fail in any way
        reason = f"{type(error).__name__}: {printable(str(error), 200)}"
        yield Check(group, name, "problem", reason, "reinstall: pip install --force-reinstall mixnas")


@dataclass(frozen=True)
class Ended:
    """A process that has ended, or was ended."""

    code: int | None
    """None where it took too long."""
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last thing that it complained about."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        if self.code is None:
            return "it took too long"
        return printable(lines[-1], 200) if lines else f"exit code {self.code}"


def run_python(arguments: Sequence[str], seconds: float, folder: Path | None = None) -> Ended:
    """Runs Python in a process of its own, with all that it starts, for so long and no longer."""
    with tempfile.TemporaryDirectory(prefix="mixnas-doctor-") as cache:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=_environment(cache),
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=seconds)
            return Ended(process.returncode, out, err)
        except subprocess.TimeoutExpired:
            _end(process)
            return Ended(None, "", "")
        except BaseException:  # Ctrl-C leaves nothing running
            _end(process)
            raise


def _environment(cache: str) -> dict[str, str]:
    """Ours, with this very mixnas on the path, and nothing left behind: no bytecode, no cache of torch's compiler."""
    import mixnas

    source = str(Path(mixnas.__file__).resolve().parents[1])
    paths = [str(Path(p).absolute()) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    tidy = {"PYTHONDONTWRITEBYTECODE": "1", "TORCHINDUCTOR_CACHE_DIR": cache}
    return {**os.environ, **tidy, "PYTHONPATH": os.pathsep.join([*paths, source])}


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
