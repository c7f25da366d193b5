"""An executor on a Ray cluster: the same study, store, fronts and resume as with processes on this machine."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixnas.errors import RunError, UsageError
from mixnas.records import EpochRecord, Job, Measurement, to_dict
from mixnas.search.executors import Cluster, Done, Event, Progress, Sink

CONNECTIONS = 3
"""How often a connection through `ray://` is tried that breaks while the search starts."""

LOOK_AGAIN = 5.0
"""Seconds after which the size of the cluster is asked for again: it may grow, shrink or lose a node."""


class RayExecutor:
    """Runs jobs through `ray.tune.Tuner`, as many at once as the cluster's resources allow."""

    def __init__(self, workers: int, cluster: Cluster) -> None:
        """Connects to the cluster, or starts one on this machine where it has no address.

        Args:
            workers: most trials at once; 0 takes what the cluster has room for.

        Raises:
            UsageError: there is no such cluster, or it will never have room for one trial.
        """
        self._resources = {"cpu": cluster.cpus_per_trial, "gpu": cluster.gpus_per_trial}
        self._most, self._asked_at = workers, -LOOK_AGAIN
        self._jobs: dict[str, Job] = {}
        self._count = 0
        self._ray = _connect(cluster, workers)
        self.workers = 0
        if self._room() < 1:
            self._ray.shutdown()
            raise UsageError(
                f"the Ray cluster has no room for one trial of {cluster.cpus_per_trial:g} CPUs "
                f"and {cluster.gpus_per_trial:g} GPUs",
                hint="lower --cpus-per-trial or --gpus-per-trial, or add nodes",
            )
        self._side = self._far_side(cluster) if cluster.address.startswith("ray://") else self._near_side()

    def free(self) -> int:
        return max(self._room() - len(self._jobs), 0)

    def submit(self, job: Job) -> None:
        self._count += 1
        key = str(self._count)
        self._jobs[key] = job
        checkpoint = _content(Path(job.checkpoint)) if job.checkpoint else None
        placed = replace(job, device="cuda") if self._resources["gpu"] else job
        with _said_when_gone(self._ray):
            self._side.submit(key, json.dumps(to_dict(placed)), checkpoint)

    def wait(self, sink: Sink, timeout: float) -> None:
        with _said_when_gone(self._ray):
            news: list[tuple[str, str, bytes | None]] = self._side.take(timeout)
        for key, text, checkpoint in news:
            job = self._jobs[key]
            if checkpoint is not None and job.checkpoint:
                _replace_file(Path(job.checkpoint), checkpoint)
            for event in self._events(key, job, json.loads(text)):
                sink(event)

    def stop(self) -> list[Job]:
        if self._ray is None:
            return []
        with contextlib.suppress(Exception):  # the cluster may be gone, which is what was wanted
            self._side.close()
        self._ray.shutdown()
        self._ray = None
        running = list(self._jobs.values())
        self._jobs.clear()
        return running

    def _near_side(self) -> Any:
        from mixnas.search.ray_tune import TuneSide

        return TuneSide(self._resources)

    def _far_side(self, cluster: Cluster) -> Any:
        """The Tuner in an actor of the cluster: through `ray://` it cannot run in this process.

        A connection that breaks while the actor starts, which takes long on a busy head, is made anew a few times.

        Raises:
            RunError: it broke each time.
        """
        for _ in range(CONNECTIONS - 1):
            with contextlib.suppress(RunError):
                return self._remote_side()
            self._ray.shutdown()
            self._ray = _connect(cluster, self._most)
        return self._remote_side()

    def _remote_side(self) -> Any:
        with _said_when_gone(self._ray):
            side = _Remote(self._ray, self._resources)
            side.take(0.0)  # comes back when the actor has started
        return side

    def _events(self, key: str, job: Job, news: list[dict[str, Any]]) -> Iterator[Event]:
        for message in news:
            if "epoch" in message:
                yield Progress(job, EpochRecord(**message["epoch"]))
            else:
                del self._jobs[key]
                data = message["measurement"]
                data["curve"] = tuple(EpochRecord(**record) for record in data["curve"])
                yield Done(job, Measurement(**data))

    def _room(self) -> int:
        """How many trials fit on the nodes that are there."""
        if time.monotonic() - self._asked_at >= LOOK_AGAIN:
            self._asked_at = time.monotonic()
            with _said_when_gone(self._ray):
                have = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            fits = sum(_fits(resources, self._resources) for resources in have)
            self.workers = min(fits, self._most) if self._most else fits
        return self.workers


def _fits(node: dict[str, float], trial: dict[str, float]) -> int:
    """How many trials a node has room for at once."""
    names = {"cpu": "CPU", "gpu": "GPU"}
    return min(int(node.get(names[kind], 0) / amount + 1e-9) for kind, amount in trial.items() if amount > 0)


def _connect(cluster: Cluster, workers: int) -> Any:
    from mixnas.search.ray_tune import SETTINGS

    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    _require_listening(cluster.address)
    address = cluster.address or "local"  # none at all would be any cluster that happens to run here
    options: dict[str, Any] = {"address": address, "logging_level": "error", "log_to_driver": False}
    if not cluster.address:
        options |= {"include_dashboard": False}
        options |= {"num_cpus": max(math.ceil(workers * cluster.cpus_per_trial), 1)} if workers else {}
    try:
        _init(ray, options)
    except Exception as error:  # a node that does not come up in time raises just that
        raise UsageError(
            f"no Ray cluster at {cluster.address or 'this machine'}: {str(error).strip().splitlines()[0]}",
            hint="start one with `ray start --head`, or leave --address out to use this machine",
        ) from error
    return ray


def _require_listening(address: str) -> None:
    """Ray itself waits for minutes for a head that is gone, such as one whose address a killed cluster has left."""
    where = (os.environ.get("RAY_ADDRESS") or _last_cluster()) if address == "auto" else address
    host, _, port = where.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"no Ray cluster at {address}: nothing answers at {host}:{port} ({error})",
            hint="start one with `ray start --head`, or leave --address out to use this machine",
        ) from error


def _last_cluster() -> str:
    """Where the cluster is that was started last on this machine, as `ray start` leaves it in a file."""
    with contextlib.suppress(OSError):
        return (Path(os.environ.get("RAY_TMPDIR") or "/tmp") / "ray" / "ray_current_cluster").read_text().strip()
    return ""


def _init(ray: Any, options: dict[str, Any]) -> None:
    """`ray.init`, again where a head is too busy to start the server of a `ray://` client in time."""
    for _ in range(CONNECTIONS - 1):
        with contextlib.suppress(ConnectionAbortedError):
            ray.init(**options)
            return
    ray.init(**options)


class _Remote:
    """A `TuneSide` in an actor of the cluster."""

    def __init__(self, ray: Any, resources: dict[str, float]) -> None:
        from mixnas.search.ray_tune import TuneSide

        self._ray = ray
        self._actor = ray.remote(TuneSide).options(num_cpus=0, max_concurrency=4).remote(resources)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self._ray.get(getattr(self._actor, name).remote(*arguments))


@contextlib.contextmanager
def _said_when_gone(ray: Any) -> Iterator[None]:
    """Says in one sentence that the cluster was lost: Ray raises its own errors, its client a ConnectionError.

    The client does so when the head is killed or stopped, and when another cluster with the same client port on that
    machine was: both listen there, and the client may have come to the other one.
    """
    try:
        yield
    except (ray.exceptions.RayError, ConnectionError) as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, RunError):  # raised by ourselves, in the actor
            raise cause from error
        lines = (str(error) or type(error).__name__).strip().splitlines()
        why = "the connection to it broke" if isinstance(error, ConnectionError) else lines[0]
        raise RunError(f"the Ray cluster is gone: {why}", hint="the same command goes on where it was") from error


def _content(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):  # there is none, and the training begins at its first epoch
        return path.read_bytes()
    return None


def _replace_file(path: Path, content: bytes) -> None:
    """Keeps a checkpoint. A full or read-only disk costs the checkpoint, not the search."""
    part = path.with_suffix(".part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
