"""What Ray Tune costs a trial beside plain Ray actors: the same trivial jobs on a cluster of this machine, in one run.

    python tests/benchmarks/bench_ray.py [--trials 60]

The first trials are left out: they wait for actors to start. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import time

from mixnas.records import Fidelity, Job, Problem, job_from_dict, to_dict
from mixnas.search.executors import Cluster, Done, Event
from mixnas.search.ray_executor import RayExecutor

WORKERS = 2
WARM_UP = 2 * WORKERS


def job(number: int) -> Job:
    """A job of the closed-form evaluator: three epochs in microseconds."""
    axes = {"width": 16, "depth": 2, "patch_size": 2, "kernel_size": 3, "channel": "dense"}
    return Job("bench", number, 1, "splitmixer", axes, Problem(), "digits", Fidelity(3, 0), evaluator="toy")


def through_tune(trials: int) -> float:
    """Seconds a trial, in steady state."""
    executor = RayExecutor(WORKERS, Cluster())
    begun, ends = 0, list[float]()

    def sink(event: Event) -> None:
        if isinstance(event, Done):
            ends.append(time.perf_counter())

    while len(ends) < trials + WARM_UP:
        while executor.free() and begun < trials + WARM_UP:
            executor.submit(job(begun))
            begun += 1
        executor.wait(sink, 0.25)
    executor.stop()
    return (ends[-1] - ends[WARM_UP - 1]) / trials


def through_actors(trials: int) -> float:
    """The same jobs by actors that are asked one by one."""
    import ray

    from mixnas.evaluators import run

    class Actor:
        def go(self, text: str) -> str:
            return json.dumps(to_dict(run(job_from_dict(json.loads(text)), lambda record: None)))

    ray.init("local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="error")
    actors = [ray.remote(Actor).remote() for _ in range(WORKERS)]
    busy = {actor.go.remote(json.dumps(to_dict(job(n)))): actor for n, actor in enumerate(actors)}
    begun, ends = WORKERS, list[float]()
    while busy:
        (ready,), _ = ray.wait(list(busy))
        ray.get(ready)
        ends.append(time.perf_counter())
        actor = busy.pop(ready)
        if begun < trials + WARM_UP:
            busy[actor.go.remote(json.dumps(to_dict(job(begun))))] = actor
            begun += 1
    ray.shutdown()
    return (ends[-1] - ends[WARM_UP - 1]) / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    trials = parser.parse_args().trials
    tune, actors = through_tune(trials), through_actors(trials)
    print(f"{trials} trivial trials, {WORKERS} workers, steady state")  # noqa: T201
    print(f"through ray.tune    {tune * 1000:8.1f} ms a trial")  # noqa: T201
    print(f"plain Ray actors    {actors * 1000:8.1f} ms a trial    {tune / actors:.1f}x")  # noqa: T201


if __name__ == "__main__":
    main()
