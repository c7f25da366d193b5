"""The Tune side of a search on a Ray cluster: what turns our jobs into Tune trials and their news into our events.

Ray Tune places trials, reserves their resources, watches nodes and keeps actors for the next trial. What to train,
how far, and what becomes of it is decided by our driver, as everywhere: a Tune trial is one `Job`, so a pause at a rung
ends it and a promotion is the next one. Checkpoints travel with the trials, so nodes need no shared disk.

Jobs go out and news come back as JSON text: a node needs the installed package, and no path of the driver's machine.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from mixnas.errors import RunError
from mixnas.records import Job, Measurement, job_from_dict, to_dict
from mixnas.search.executors import Done, Event, ProcessExecutor, Progress

News: TypeAlias = tuple[str, str, bytes | None]
"""The key of a job, JSON of what is new of it, and its checkpoint where that is new, too."""

HEARTBEAT = 1.0
"""Seconds that a trial may be silent; Tune looks for the end of the search at each word."""

PATIENCE = 10.0
"""Longest wait for the driver's next job. Tune lets an actor go that is not needed at once, and a new one takes 2 s."""

BYTES_A_SECOND = 4e6
"""Most that the checkpoints of a running trial take of the network to the driver, on average."""

SETTINGS = {
    "RAY_AUTH_MODE": "disabled",  # a cluster of our own on this machine; token files in the home folder otherwise
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the store keeps everything already
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # our loop has the rules for Ctrl-C
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",  # nothing is ever restored from Tune's own state
    "TUNE_MAX_PENDING_TRIALS_PG": "1",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_raylet_start_wait_time_s": "120",  # 30 s are not enough for a cluster of our own on a busy machine
}
"""Environment of Ray Tune, where the user has not set it."""


class JobTrainable(tune.Trainable):
    """Runs one job after the other in an actor, by a worker process of its own, as on a machine without Ray.

    A process can be ended when its time is up, and what runs out of memory in it is gone with it.
    """

    def setup(self, config: dict[str, Any]) -> None:
        # What this actor can import, its worker can: Ray adds the folders of runtime environments to `sys.path` alone.
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._folder = tempfile.TemporaryDirectory(prefix="mixnas-ray-")
        self._sent = time.monotonic()
        job, checkpoint = self._unpacked(config)
        self._worker = ProcessExecutor(1, preload=job.evaluator)
        self._begin(job, checkpoint)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next job."""
        self._path.unlink(missing_ok=True)
        self._begin(*self._unpacked(new_config))
        return True

    def step(self) -> dict[str, Any]:
        """Waits for news of the training; the last word is its measurement."""
        news: list[Event] = []
        self._worker.wait(news.append, HEARTBEAT)
        outcomes = [event.measurement.outcome for event in news if isinstance(event, Done)]
        wanted = not outcomes or outcomes[0] == "paused"
        checkpoint = self._new_checkpoint(at_once=bool(outcomes)) if wanted else None
        return {
            "news": json.dumps([_message(event) for event in news]),
            "checkpoint": checkpoint,
            "done": bool(outcomes),
        }

    def cleanup(self) -> None:
        self._worker.stop()
        self._folder.cleanup()

    def _unpacked(self, config: dict[str, Any]) -> tuple[Job, bytes | None]:
        return job_from_dict(json.loads(config["job"])), config["checkpoint"]

    def _begin(self, job: Job, checkpoint: bytes | None) -> None:
        self._path, self._kept = Path(self._folder.name) / f"{job.trial}-{job.attempt}-{job.fidelity.seed}.pt", 0
        if checkpoint:
            self._path.write_bytes(checkpoint)
            self._kept = self._path.stat().st_mtime_ns
        self._worker.submit(_at_home(job, self._path))

    def _new_checkpoint(self, at_once: bool) -> bytes | None:
        """The file where it has changed; not so often, unless at once, that large ones fill the network."""
        with contextlib.suppress(FileNotFoundError):
            file = self._path.stat()
            slowly = at_once or time.monotonic() - self._sent >= file.st_size / BYTES_A_SECOND
            if file.st_mtime_ns != self._kept and slowly:
                self._kept, self._sent = file.st_mtime_ns, time.monotonic()
                return self._path.read_bytes()
        return None


def _at_home(job: Job, checkpoint: Path) -> Job:
    """The job with the paths of this node: its own file for the checkpoint, its own folder of data sets."""
    if job.checkpoint:
        job = replace(job, checkpoint=str(checkpoint))
    if job.data_dir and not Path(job.data_dir).is_dir():
        job = replace(job, data_dir=None)
    return job


def _message(event: Event) -> dict[str, Any]:
    if isinstance(event, Progress):
        return {"epoch": to_dict(event.record)}
    return {"measurement": to_dict(event.measurement)}


class JobSearcher(Searcher):
    """Hands our driver's jobs to Tune, and Tune's news to our driver. It decides nothing."""

    def __init__(self, side: TuneSide | None = None) -> None:
        super().__init__()
        self._side = side
        self._keys: dict[str, str] = {}
        self._errors: dict[str, str] = {}

    def note_error(self, trial_id: str, error: str) -> None:
        """Why a Tune trial ended with an error; `on_trial_complete`, which is called next, is not told."""
        self._errors[trial_id] = error

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles its parts in order to be restored later, which our store does better."""
        return (JobSearcher, ())

    def suggest(self, trial_id: str) -> Any:
        """The configuration of the next Tune trial, None for "not now", or FINISHED."""
        assert self._side is not None
        taken = self._side.next_job()
        if taken is None:
            return Searcher.FINISHED if self._side.closing else None
        key, job, checkpoint = taken
        self._keys[trial_id] = key
        return {"job": job, "checkpoint": checkpoint}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self._pass_on(self._keys[trial_id], result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        key = self._keys.pop(trial_id)
        why = self._errors.pop(trial_id, "")
        if error or not result or "measurement" not in result.get("news", ""):
            result = {"news": json.dumps([{"measurement": to_dict(_lost(why))}])}
        self._pass_on(key, result)

    def save(self, checkpoint_path: str) -> None:
        pass

    def restore(self, checkpoint_path: str) -> None:
        pass

    def _pass_on(self, key: str, result: Mapping[str, Any]) -> None:
        assert self._side is not None
        if result["news"] != "[]" or result.get("checkpoint"):
            self._side.tell((key, result["news"], result.get("checkpoint")))


def _lost(error: str) -> Measurement:
    """The outcome of a job whose actor has ended, from what Ray says of it."""
    if "OutOfMemoryError" in error or "low on memory" in error:
        return Measurement("failed", reason="out_of_memory", detail="Ray ended its actor: the node ran low on memory")
    return Measurement("failed", reason="lost_worker", detail="its Ray actor or node has gone", traceback=error[-4000:])


class ErrorNotes(FIFOScheduler):
    """Starts trials as they come, and hands on what Ray says of those that end with an error."""

    def __init__(self, searcher: JobSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._searcher = searcher

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Called before the searcher's `on_trial_complete`."""
        with contextlib.suppress(OSError, TypeError):  # no file, no reason
            self._searcher.note_error(trial.trial_id, Path(trial.error_file).read_text(encoding="utf-8"))


class EndOfSearch(tune.Stopper):
    """Stops every trial once the search is to end now."""

    def __init__(self, side: TuneSide | None = None) -> None:
        self._side = side

    def __reduce__(self) -> tuple[Any, ...]:
        return (EndOfSearch, ())

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._side is not None and self._side.closing


class TuneSide:
    """A Tuner in a thread, and the box between it and our loop: beside the loop, or in an actor of the cluster."""

    def __init__(self, resources: Mapping[str, float]) -> None:
        """`resources` of one trial: `{"cpu": 1, "gpu": 0.25}`."""
        self.closing = False
        self._jobs: queue.SimpleQueue[tuple[str, str, bytes | None]] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._owed = threading.Event()  # the loop may still answer the last news with a job
        self._owed.set()
        self._error: BaseException | None = None
        self._resources = dict(resources)
        self._thread = threading.Thread(target=self._run, name="mixnas-ray-tune", daemon=True)
        self._thread.start()

    def submit(self, key: str, job: str, checkpoint: bytes | None) -> None:
        """Queues a job. Its key comes back with its news."""
        self._jobs.put((key, job, checkpoint))

    def take(self, timeout: float) -> list[News]:
        """The news since the last call; waits for some. Calling it says that no job is coming now.

        Raises:
            RunError: Tune has ended, with an error or because the cluster is gone.
        """
        if self._news.empty():
            self._owed.clear()
        news: list[News] = []
        with contextlib.suppress(queue.Empty):
            news.append(self._news.get(timeout=timeout))
            while True:
                news.append(self._news.get_nowait())
        if not news and not self._thread.is_alive():
            why = f": {str(self._error).strip().splitlines()[0]}" if self._error else ""
            raise RunError(f"Ray Tune has ended{why}", hint="the same command goes on where it was")
        return news

    def close(self, timeout: float = 20.0) -> None:
        """Ends everything that runs."""
        self.closing = True
        self._owed.clear()
        self._thread.join(timeout)

    def next_job(self) -> tuple[str, str, bytes | None] | None:
        """For the searcher: the next job, waited for while the loop may be about to submit one."""
        until = time.monotonic() + PATIENCE
        while not self.closing:
            with contextlib.suppress(queue.Empty):
                return self._jobs.get(timeout=0.01 if self._owed.is_set() else 0)
            if not self._owed.is_set() or time.monotonic() > until:
                return None
        return None

    def tell(self, news: News) -> None:
        """For the searcher: something has happened."""
        self._owed.set()
        self._news.put(news)

    def _run(self) -> None:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a lost trial is our driver's to report
        try:
            with tempfile.TemporaryDirectory(prefix="mixnas-tune-") as folder:
                self._tuner(folder).fit()
        except BaseException as error:
            self._error = error

    def _tuner(self, folder: str) -> tune.Tuner:
        searcher = JobSearcher(self)
        return tune.Tuner(
            tune.with_resources(JobTrainable, self._resources),
            tune_config=tune.TuneConfig(
                search_alg=searcher, scheduler=ErrorNotes(searcher), num_samples=-1, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                name="mixnas",
                storage_path=folder,
                stop=EndOfSearch(self),
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            ),
        )
