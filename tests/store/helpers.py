"""Shorthands of the store's tests, and the functions that they run in other processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from mixnas.records import EpochRecord, Fidelity, FrontPoint, Measurement
from mixnas.store import Store

FIDELITY = Fidelity(epochs=3, seed=7)
CURVE = tuple(EpochRecord(e, 1 / e, {"acc": 1 - 1 / (e + 1)}, 0.25) for e in (1, 2, 3))
GOOD = Measurement("finished", {"acc": 0.75}, CURVE, seconds=0.75, device="cpu")
BAD = Measurement("failed", reason="exception", detail="ValueError: no", traceback="Traceback ...\nValueError: no")


def study(store: Store, name: str = "s") -> str:
    store.create_study(name, {"trials": 3}, {"name": "toy"}, {"python": "3.11"})
    return name


def start(store: Store, number: int, name: str = "s", owner: str = "here:1", **changes: Any) -> str:
    digest = f"{number:016x}"
    arguments: dict[str, Any] = {
        "digest": digest,
        "family": "splitmixer",
        "axes": {"width": 32 + number, "channel": "overlap", "channel.ratio": "2/3", "channel.shared": True},
        "fidelity": FIDELITY,
        "problem_key": "classification-1x8x8-10",
        "costs": {"params": 1000 + number, "macs": 2.5e6},
        "source": "random",
        "owner": owner,
        "lease_seconds": 60,
    }
    store.start_trial(name, number, **(arguments | changes))
    return digest


def finish(store: Store, number: int, name: str = "s", attempt: int = 1) -> None:
    point = FrontPoint(number, store.counts(name).finished + 1, 0.5, (number,))
    store.finish_trial(name, number, attempt, GOOD, {"acc": 0.75, "params": 1000.0 + number}, point)


def in_processes(function: Callable[..., None], arguments: list[tuple[Any, ...]], seconds: float = 120) -> None:
    """Runs a function once per tuple of arguments, each in a process of its own, and waits; all must succeed."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=function, args=a) for a in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(seconds)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def message_without_privileges(function: Callable[[], object]) -> str:
    """What the function raises for a user who is not root (root may write to read-only files)."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe()
    process = context.Process(target=_as_nobody, args=(function, sender))
    process.start()
    process.join(60)
    assert receiver.poll(), "the function raised nothing"
    return str(receiver.recv())


def _as_nobody(function: Callable[[], object], sender: Any) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        function()
    except BaseException as error:
        sender.send(f"{type(error).__name__}: {error}")


def create_and_write(urls: list[str], worker: int, trials: int, barrier: Any) -> None:
    """Opens each database at the same moment as its peers, and fills a study of its own."""
    for url in urls:
        barrier.wait(60)
        with Store.open(url, create=True) as store:
            name = study(store, f"study-{worker}")
            for number in range(trials):
                start(store, number, name)
                finish(store, number, name)
                store.count(name, "refused", "params <= 1k")


def write_for_ever(url: str) -> None:
    """Adds trials until it is killed."""
    with Store.open(url) as store:
        for number in range(10**6):
            start(store, number)
            finish(store, number)


def run_optuna(url: str, trials: int) -> None:
    """Ask and tell of plain Optuna on the same file."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
    sampler = optuna.samplers.RandomSampler(seed=0)
    same = optuna.create_study(
        storage=storage, study_name="theirs", sampler=sampler, directions=["maximize", "minimize"]
    )
    for _ in range(trials):
        trial = same.ask()
        same.tell(trial, [trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 9)])


def create_both(url: str, worker: int, barrier: Any) -> None:
    """Creates our tables and Optuna's, all processes at the same moment."""
    import optuna

    barrier.wait(60)
    with Store.open(url, create=True) as store:
        with store.creation_lock():
            patience = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else None
            optuna.storages.RDBStorage(url, engine_kwargs=patience)
        study(store, f"study-{worker}")


def write_ours(url: str, trials: int) -> None:
    """Adds a study with trials to an existing database."""
    with Store.open(url) as store:
        name = study(store, "ours")
        for number in range(trials):
            start(store, number, name)
            finish(store, number, name)
