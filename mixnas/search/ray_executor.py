"""An executor on a Ray cluster: the same study, store, fronts and resume as with processes on this machine."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mixnas.errors import RunError, UsageError
from mixnas.records import EpochRecord, Job, Measurement, to_dict
from mixnas.search.executors import Cluster, Done, Event, Progress, Sink

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
        far = cluster.address.startswith("ray://")
        self._side = _far_side(self._ray, self._resources) if far else _near_side(self._resources)

    def free(self) -> int:
        return max(self._room() - len(self._jobs), 0)

    def submit(self, job: Job) -> None:
        self._count += 1
        key = str(self._count)
        self._jobs[key] = job
        checkpoint = Path(job.checkpoint).read_bytes() if job.checkpoint and Path(job.checkpoint).exists() else None
        self._side.submit(key, json.dumps(to_dict(job)), checkpoint)

    def wait(self, sink: Sink, timeout: float) -> None:
        for key, text, checkpoint in self._take(timeout):
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

    def _take(self, timeout: float) -> list[tuple[str, str, bytes | None]]:
        try:
            news: list[tuple[str, str, bytes | None]] = self._side.take(timeout)
        except self._ray.exceptions.RayError as error:
            raise RunError(
                f"the Ray cluster is gone: {str(error).strip().splitlines()[0]}",
                hint="the same command goes on where it was",
            ) from error
        return news

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

    options: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    if cluster.address:
        options["address"] = cluster.address
    else:
        options |= {"include_dashboard": False}
        options |= {"num_cpus": max(math.ceil(workers * cluster.cpus_per_trial), 1)} if workers else {}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"no Ray cluster at {cluster.address or 'this machine'}: {str(error).strip().splitlines()[0]}",
            hint="start one with `ray start --head`, or leave --address out to use this machine",
        ) from error
    return ray


def _near_side(resources: dict[str, float]) -> Any:
    from mixnas.search.ray_tune import TuneSide

    return TuneSide(resources)


def _far_side(ray: Any, resources: dict[str, float]) -> Any:
    """The Tuner in an actor of the cluster: through `ray://` it cannot run in this process."""
    from mixnas.search.ray_tune import TuneSide

    return _Remote(ray, ray.remote(TuneSide).options(num_cpus=0, max_concurrency=4).remote(resources))


class _Remote:
    """An actor's methods called as if they were an object's."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self._ray.get(getattr(self._actor, name).remote(*arguments))


def _replace_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
