"""A search on a real Ray cluster: two nodes on this machine, one of them killed half-way; checkpoints, lost actors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixnas.errors import UsageError
from mixnas.records import to_dict
from mixnas.search.executors import Cluster, Done, Progress, make_executor
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.study import StudySpec
from tests.search.conftest import HERE, toy_session
from tests.search.test_executors import gather, job

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]
"""In one process: `ray stop` ends every cluster of the machine."""

CLIENT_PORT = 23001
RAY = Path(sys.executable).with_name("ray")


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The address of a cluster of a head without CPUs and two nodes with one each, started as a user would."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    base = ["--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats"]
    head = [
        "--head",
        "--port=0",
        "--num-cpus=0",
        "--include-dashboard=false",
        f"--ray-client-server-port={CLIENT_PORT}",
    ]
    try:
        found = re.search(r"--address='([^']+)'", _ray("start", *head, *base))
        assert found is not None
        for _ in range(2):
            _ray("start", f"--address={found[1]}", "--num-cpus=1", *base)
        yield [found[1]]
    finally:
        _ray("stop", "--force")


def _ray(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run([RAY, *arguments], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _raylets() -> list[int]:
    """The processes of the nodes, oldest first: head, first node, second node."""
    found = subprocess.run(["pgrep", "-f", "raylet/raylet "], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


def test_a_search_survives_the_loss_of_a_node(nodes: list[str], storage: str) -> None:
    spec = StudySpec("splitmixer", evaluator="probe_evaluators:slow", trials=14, epochs=4, name="s")
    with open_session(spec, storage, executor="ray", cluster=Cluster(nodes[0])) as session:
        assert session.executor.workers == 2
        seen: list[int] = []

        def kill_one_half_way(event: object) -> None:
            if isinstance(event, Done):
                seen.append(event.job.trial)
                if len(seen) == 5:
                    os.kill(_raylets()[-1], 9)

        assert run(session.driver, session.executor, kill_one_half_way) == "done"
        counts = session.store.counts("s")
        assert (counts.finished, counts.running) == (14, 0)
        trials = [trial for trial in session.store.trials("s") if trial.state == "finished"]
        assert len({trial.digest for trial in trials}) == 14


def test_a_search_from_outside_the_cluster(nodes: list[str], storage: str) -> None:
    spec = StudySpec("splitmixer", evaluator="toy", trials=5, epochs=2, name="s")
    with open_session(spec, storage, executor="ray", cluster=Cluster(f"ray://127.0.0.1:{CLIENT_PORT}")) as session:
        assert run(session.driver, session.executor) == "done"
        assert session.store.counts("s").finished == 5


def test_a_search_survives_lost_actors(storage: str) -> None:
    with toy_session(storage, executor="ray", workers=2, evaluator="probe_evaluators:suicidal", trials=6) as session:
        assert run(session.driver, session.executor) == "done"
        counts = session.store.counts("s")
        assert (counts.finished, counts.failed, counts.running) == (6, 1, 0)
        assert session.store.trial("s", 3).reason == "lost_worker"


def test_a_paused_training_goes_on_from_its_checkpoint_in_another_actor(tmp_path: Path) -> None:
    from dataclasses import replace

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


def test_a_cluster_that_is_not_there_or_too_small_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(UsageError, match="no Ray cluster at auto"):
        make_executor("ray", cluster=Cluster("auto"))
    with pytest.raises(UsageError, match="no room for one trial of 1 CPUs and 2 GPUs"):
        make_executor("ray", workers=1, cluster=Cluster(gpus_per_trial=2))


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_an_amount_that_is_none_names_its_flag(amount: float) -> None:
    with pytest.raises(UsageError, match="--cpus-per-trial"):
        Cluster(cpus_per_trial=amount)
