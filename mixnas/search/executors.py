"""What runs jobs: in this process, or in worker processes. An executor owns the waiting; the driver owns the books.

Worker processes are started with `subprocess` and spoken to in JSON lines: no pickle, no re-import of the user's
script, and they are in their own process group, so that Ctrl-C reaches only the driver.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Protocol

from mixnas.environment import available_cores, kernel_oom_kills
from mixnas.errors import UnknownName, UsageError
from mixnas.evaluators import run as run_job
from mixnas.records import EpochRecord, Job, Measurement, to_dict


@dataclass(frozen=True)
class Progress:
    """A job has finished an epoch."""

    job: Job
    record: EpochRecord


@dataclass(frozen=True)
class Done:
    """A job has ended, one way or the other."""

    job: Job
    measurement: Measurement


Event = Progress | Done
Sink = Callable[[Event], None]


class Executor(Protocol):
    """Runs jobs."""

    workers: int

    def free(self) -> int:
        """How many more jobs it can take now."""

    def submit(self, job: Job) -> None:
        """Takes a job; there must be a free place."""

    def wait(self, sink: Sink, timeout: float) -> None:
        """Hands events to `sink`, for at most about `timeout` seconds where it can tell."""

    def stop(self) -> list[Job]:
        """Ends everything now and returns the jobs that were running."""


class InlineExecutor:
    """Runs one job at a time in this process. For debugging, tests, and devices that one process must own."""

    workers = 1

    def __init__(self) -> None:
        self._job: Job | None = None

    def free(self) -> int:
        return 0 if self._job else 1

    def submit(self, job: Job) -> None:
        self._job = job

    def wait(self, sink: Sink, timeout: float) -> None:
        job = self._job
        if job is None:
            time.sleep(timeout)  # for what other searches of the study do
            return
        measurement = run_job(job, lambda record: sink(Progress(job, record)))
        self._job = None
        sink(Done(job, measurement))

    def stop(self) -> list[Job]:
        running, self._job = ([self._job] if self._job else []), None
        return running


class ProcessExecutor:
    """A fixed number of worker processes, one torch thread each; one that dies is replaced."""

    def __init__(self, workers: int = 0, preload: str = "") -> None:
        self.workers = workers or available_cores()
        self._selector = selectors.DefaultSelector()
        self._preload = preload
        self._pool = [self._new() for _ in range(self.workers)]

    def free(self) -> int:
        return sum(worker.job is None for worker in self._pool)

    def submit(self, job: Job) -> None:
        next(worker for worker in self._pool if worker.job is None).take(job)

    def wait(self, sink: Sink, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            worker: _Worker = key.data
            for event in worker.read():
                sink(event)
        for worker in self._pool:
            if (late := worker.end_if_late()) is not None:
                sink(late)
        self._pool = [self._new() if worker.ended else worker for worker in self._pool]

    def stop(self) -> list[Job]:
        running = [worker.job for worker in self._pool if worker.job is not None]
        for worker in self._pool:
            worker.end()
        self._pool = []
        self._selector.close()
        return running

    def _new(self) -> _Worker:
        return _Worker(self._selector, self._preload)


class _Worker:
    """One worker process and the job it has."""

    def __init__(self, selector: selectors.BaseSelector, preload: str) -> None:
        self.job: Job | None = None
        self.ended = False
        self._deadline = math.inf
        self._oom_kills = 0
        self._selector = selector
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mixnas.search.worker", *([preload] if preload else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._text = b""
        selector.register(self._output, selectors.EVENT_READ, self)

    def take(self, job: Job) -> None:
        self.job, self._oom_kills = job, kernel_oom_kills()
        self._deadline = time.monotonic() + job.timeout if job.timeout else math.inf
        try:
            self._input.write(json.dumps(to_dict(job)).encode() + b"\n")
            self._input.flush()
        except BrokenPipeError:
            pass  # it is dead already; its output has ended, and the next `read` says so

    def read(self) -> list[Event]:
        """Everything that it has said since; a Done with reason lost_worker if it is gone."""
        data = self._output.read()
        if data is None:
            return []
        if not data:
            return self._lost()
        *lines, self._text = (self._text + data).split(b"\n")
        return [event for line in lines if (event := self._event(json.loads(line)))]

    def end_if_late(self) -> Done | None:
        """Kills the process where its job takes longer than it may; says so in a Done."""
        job = self.job
        if job is None or self.ended or time.monotonic() < self._deadline:
            return None
        self.job = None
        self.end()
        return Done(job, Measurement("failed", reason="timeout", detail=f"took longer than {job.timeout:g} s"))

    def end(self) -> None:
        """Kills the process and lets go of everything. Harmless when done twice."""
        if self.ended:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._selector.unregister(self._output)
        for stream in (self._input, self._output, self._log):
            with contextlib.suppress(OSError):  # the pipe's other end is dead, which is what was wanted
                stream.close()
        self.ended = True

    def _event(self, message: dict[str, Any]) -> Event | None:
        job = self.job
        if job is None:
            return None
        if "epoch" in message:
            return Progress(job, EpochRecord(**message["epoch"]))
        self.job = None
        data = message["measurement"]
        data["curve"] = tuple(EpochRecord(**record) for record in data["curve"])
        return Done(job, Measurement(**data))

    def _lost(self) -> list[Event]:
        code = self._process.wait()
        self._log.seek(0)
        last = self._log.read()[-4000:].decode(errors="replace").strip()
        job, self.job = self.job, None
        self.end()
        if job is None:
            raise UsageError(f"a worker process ended before it had work (exit code {code})", hint=last[-500:])
        ended, reason = f"killed by signal {-code}" if code < 0 else f"exit code {code}", "lost_worker"
        if code == -signal.SIGKILL and kernel_oom_kills() > self._oom_kills:
            ended, reason = "killed by the kernel, which had no memory left", "out_of_memory"
        return [Done(job, Measurement("failed", reason=reason, detail=f"worker process {ended}", traceback=last))]


@dataclass(frozen=True)
class Cluster:
    """Which Ray cluster to run on, and what one trial takes of it."""

    address: str = ""
    """`auto`, `HOST:PORT` or `ray://HOST:PORT`; empty starts a cluster on this machine."""
    cpus_per_trial: float = 1.0
    gpus_per_trial: float = 0.0
    """A share lets several trials have one GPU: 0.25 is four."""

    def __post_init__(self) -> None:
        for name in ("cpus_per_trial", "gpus_per_trial"):
            if not 0 <= getattr(self, name) < float("inf"):
                flag = "--" + name.replace("_", "-")
                raise UsageError(f"{flag} {getattr(self, name)} is not an amount", hint=f"{flag} 1, or a share: 0.25")


EXECUTORS: dict[str, str] = {
    "processes": "worker processes on this machine, one torch thread each",
    "inline": "one job at a time in this process",
    "virtual": "in this process, on workers and a clock that are made up: for evaluator table:NAME",
    "ray": "a Ray cluster, through ray.tune; --address says which",
}


def make_executor(name: str, workers: int = 0, preload: str = "", cluster: Cluster | None = None) -> Executor:
    """The executor of that name; `workers=0` takes one a core; workers load the evaluator `preload` as they start.

    Raises:
        UnknownName: there is none.
        UsageError: there is no such cluster, or it has no room for a trial.
    """
    if name == "inline":
        return InlineExecutor()
    if name == "virtual":
        from mixnas.search.virtual import VirtualExecutor

        return VirtualExecutor(workers or 1)
    if name == "ray":
        from mixnas.search.ray_executor import RayExecutor

        return RayExecutor(workers, cluster or Cluster())
    if name == "processes":
        return ProcessExecutor(workers, preload)
    raise UnknownName("executor", name, EXECUTORS)
