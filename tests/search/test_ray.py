"""A search on a real Ray cluster: two nodes on this machine, one of them killed half-way; checkpoints, lost actors."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mixnas.errors import UsageError
from mixnas.records import to_dict
from mixnas.search.executors import Cluster, Done, Progress, make_executor
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.store import Store
from mixnas.study import StudySpec
from tests.search.conftest import HERE, toy_session
from tests.search.test_executors import gather, job

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(600)]
"""In one process, since each cluster wants the cores for itself. The time is for a busy machine: starting three nodes
on two cores took 15 s alone and 110 s beside fifteen other processes."""

RAY = Path(sys.executable).with_name("ray")
BASE = ["--block", "--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats"]

PATIENT = {
    "RAY_AUTH_MODE": "disabled",
    "PYTHONUNBUFFERED": "1",
    "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_health_check_failure_threshold": "40",
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "300",
}
"""A node that starts slowly, since the machine has other things to do, is not a lost one."""


class Node:
    """`ray start --block` as a user would type it. Its processes are a group of their own: no other cluster is hurt."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [RAY, "start", *arguments, *BASE],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, **PATIENT},
        )

    def wait_for(self, pattern: str) -> str:
        """The first group of the pattern in what it prints."""
        assert self._process.stdout is not None
        seen = []
        for line in self._process.stdout:
            if found := re.search(pattern, line):
                return found[1]
            seen.append(line)
        raise AssertionError("".join(seen))

    def kill(self) -> None:
        """Ends all its processes at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@dataclass(frozen=True)
class TwoNodes:
    """A head without CPUs and two nodes with one CPU each."""

    address: str
    client: str
    head: Node
    nodes: tuple[Node, Node]


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    """Of the whole file, in whose order its parts are killed."""
    # Two clusters may listen on one port, and a client then gets to either: by process, not only by what is free.
    first = 24_100 + os.getpid() % 4_000
    port = next(port for port in range(first, first + 100) if _is_free(port))
    started: list[Node] = []
    try:
        head = Node(
            "--head", "--port=0", "--num-cpus=0", "--include-dashboard=false", f"--ray-client-server-port={port}"
        )
        started.append(head)
        address = head.wait_for(r"--address='([^']+)'")
        for _ in range(2):
            started.append(Node(f"--address={address}", "--num-cpus=1"))
            started[-1].wait_for("(Ray runtime started)")
        yield TwoNodes(address, f"ray://127.0.0.1:{port}", head, (started[1], started[2]))
    finally:
        for node in started:
            node.kill()


def typed_outside(folder: Path, address: str, *flags: str) -> subprocess.Popen[str]:
    """A search as typed on a machine that is no part of the cluster, in a process of its own as Ray's client wants."""
    command = [sys.executable, "-m", "mixnas", "search", "--space", "splitmixer", "--study", "s", "--plain"]
    return subprocess.Popen(
        [*command, "--backend", "ray", "--address", address, "--epochs", "2", *flags],
        cwd=folder,
        env={**os.environ, **PATIENT, "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_search_from_outside_the_cluster(cluster: TwoNodes, tmp_path: Path) -> None:
    process = typed_outside(tmp_path, cluster.client, "--evaluator", "toy", "--trials", "5")
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0 and "5 of 5 trials finished" in out, out + err
    with Store.open(f"sqlite:///{tmp_path}/mixnas.db") as store:
        assert store.counts("s").finished == 5


def test_a_search_survives_the_loss_of_a_node(cluster: TwoNodes, storage: str) -> None:
    spec = StudySpec("splitmixer", evaluator="probe_evaluators:slow", trials=14, epochs=4, name="s")
    with open_session(spec, storage, executor="ray", cluster=Cluster(cluster.address)) as session:
        assert session.executor.workers == 2
        seen: list[int] = []

        def kill_one_half_way(event: object) -> None:
            if isinstance(event, Done):
                seen.append(event.job.trial)
                if len(seen) == 5:
                    cluster.nodes[1].kill()

        assert run(session.driver, session.executor, kill_one_half_way) == "done"
        counts = session.store.counts("s")
        assert (counts.finished, counts.running) == (14, 0)
        trials = [trial for trial in session.store.trials("s") if trial.state == "finished"]
        assert len({trial.digest for trial in trials}) == 14


def test_a_search_from_outside_goes_on_after_the_cluster_was_lost(cluster: TwoNodes, tmp_path: Path) -> None:
    process = typed_outside(tmp_path, cluster.client, "--evaluator", "probe_evaluators:slow", "--trials", "8")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[3/8]"):
            cluster.head.kill()
            break
    _, err = process.communicate(timeout=400)
    assert process.returncode == 1 and "Traceback" not in err, err
    assert re.search("error: the Ray cluster is gone: .*broke.*\nhint: the same command goes on where it was", err), err
    spec = StudySpec("splitmixer", ("acc", "params"), evaluator="probe_evaluators:slow", trials=8, epochs=2, name="s")
    with open_session(spec, f"sqlite:///{tmp_path}/mixnas.db", executor="inline") as session:
        before = session.driver.finished
        assert 3 <= before < 8
        assert run(session.driver, session.executor) == "done"
        assert session.store.counts("s").finished == 8


def test_a_search_survives_lost_actors(storage: str) -> None:
    with toy_session(storage, executor="ray", workers=2, evaluator="probe_evaluators:suicidal", trials=6) as session:
        assert run(session.driver, session.executor) == "done"
        counts = session.store.counts("s")
        assert (counts.finished, counts.failed, counts.running) == (6, 1, 0)
        assert session.store.trial("s", 3).reason == "lost_worker"


def test_late_hungry_and_lost_trials_are_outcomes_and_the_next_one_is_fine() -> None:
    executor = make_executor("ray", workers=1)
    found = []
    for number, (evaluator, timeout) in enumerate([("asleep", 5.0), ("hungry", 0.0), ("dying", 0.0), ("slow", 0.0)]):
        executor.submit(replace(job(number, f"probe_evaluators:{evaluator}"), timeout=timeout))
        found += [event.measurement for event in gather(executor, 1, seconds=120) if isinstance(event, Done)]
    executor.stop()
    assert [(one.outcome, one.reason) for one in found] == [
        ("failed", "timeout"),
        ("failed", "out_of_memory"),
        ("failed", "lost_worker"),
        ("finished", ""),
    ]
    assert found[0].detail == "took longer than 5 s"
    assert found[2].detail == "worker process killed by signal 9"


def test_an_actor_that_ray_ends_for_want_of_memory_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.01")  # so that there is always too little
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    executor = make_executor("ray", workers=1)
    executor.submit(job(evaluator="probe_evaluators:asleep"))
    (done,) = [event.measurement for event in gather(executor, 1, seconds=120) if isinstance(event, Done)]
    executor.stop()
    assert (done.outcome, done.reason) == ("failed", "out_of_memory"), done


def test_a_paused_training_goes_on_from_its_checkpoint_in_another_actor(tmp_path: Path) -> None:
    whole = replace(job(epochs=3, evaluator="train"), recipe={"batch_size": 64})
    results = []
    for path, stops in (("whole", [0]), ("parts", [1, 2, 0])):
        file, after = tmp_path / path, 0
        for until in stops:
            executor = make_executor("ray", workers=1)
            executor.submit(replace(whole, until=until, after=after, checkpoint=str(file)))
            events = gather(executor, 1, seconds=120)
            executor.stop()
            assert [e.record.epoch for e in events if isinstance(e, Progress)] == list(
                range(after + 1, (until or 3) + 1)
            )
            after = until
            (done,) = [e.measurement for e in events if isinstance(e, Done)]
            assert done.outcome == ("paused" if until else "finished"), to_dict(done)
        results.append([(record.train_loss, record.metrics) for record in done.curve])
    assert results[0] == results[1]


def test_a_cluster_that_is_not_there_or_too_small_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(UsageError, match=r"no Ray cluster at 127\.0\.0\.1:1: nothing answers"):
        make_executor("ray", cluster=Cluster("127.0.0.1:1"))
    with pytest.raises(UsageError, match=r"no Ray cluster at ray://127\.0\.0\.1:1: nothing answers"):
        make_executor("ray", cluster=Cluster("ray://127.0.0.1:1"))
    left = tmp_path / "ray" / "ray_current_cluster"
    left.parent.mkdir()
    left.write_text("127.0.0.1:1")
    with monkeypatch.context() as patched:
        patched.setenv("RAY_TMPDIR", str(tmp_path))
        with pytest.raises(UsageError, match=r"no Ray cluster at auto: nothing answers at 127\.0\.0\.1:1"):
            make_executor("ray", cluster=Cluster("auto"))
    with pytest.raises(UsageError, match="no Ray cluster at auto"):
        make_executor("ray", cluster=Cluster("auto"))
    with pytest.raises(UsageError, match="no room for one trial of 1 CPUs and 2 GPUs"):
        make_executor("ray", workers=1, cluster=Cluster(gpus_per_trial=2))


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_an_amount_that_is_none_names_its_flag(amount: float) -> None:
    with pytest.raises(UsageError, match="--cpus-per-trial"):
        Cluster(cpus_per_trial=amount)
