"""What only a server has: its drivers, several that create at once, and searches and studies on it."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import optuna
import pytest

from mixnas.errors import MixnasError
from mixnas.merging import copy, merge
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.store import Store
from mixnas.study import StudySpec
from tests.store.helpers import create_and_write, create_both, finish, in_processes, start, study

SPEC = StudySpec("splitmixer", ("acc", "params"), name="s", evaluator="toy", epochs=2, sampler="random", trials=3)


def search(url: str, **changes: object) -> None:
    """A search of a few milliseconds a trial."""
    with open_session(replace(SPEC, **changes), url, executor="inline") as session:
        run(session.driver, session.executor)


def share(url: str) -> None:
    """One of several searches of a study."""
    search(url, trials=40)


@pytest.mark.skipif(find_spec("psycopg2") is not None, reason="with psycopg2 a plain URL means psycopg2")
def test_a_plain_url_finds_the_driver_that_there_is(postgres_url: str) -> None:
    plain = postgres_url.replace("+psycopg", "")
    search(plain)
    with Store.open(plain) as store:
        assert store.counts("s").finished == 3 and store.url == postgres_url
    assert len(optuna.load_study(study_name="s", storage=postgres_url).trials) == 3


def test_a_server_that_is_not_there_is_said_in_one_line(postgres_url: str) -> None:
    with pytest.raises(MixnasError, match=r"see that the server runs and can be reached"):
        Store.open("postgresql+psycopg://tester:secret@127.0.0.1:1/none", create=True)


@pytest.mark.slow
def test_processes_create_one_database_at_the_same_moment(postgres_url: str) -> None:
    barrier = multiprocessing.get_context("spawn").Barrier(4)
    in_processes(create_and_write, [([postgres_url], worker, 5, barrier) for worker in range(4)])
    with Store.open(postgres_url) as store:
        assert {(c.finished, c.refused) for c in store.all_counts()} == {(5, 5)} and len(store.study_names()) == 4


@pytest.mark.slow
def test_processes_create_our_tables_and_optunas_at_the_same_moment(postgres_url: str) -> None:
    barrier = multiprocessing.get_context("spawn").Barrier(8)
    in_processes(create_both, [(postgres_url, worker, barrier) for worker in range(8)])
    with Store.open(postgres_url) as store:
        assert len(store.study_names()) == 8


@pytest.mark.slow
def test_searches_at_once_share_one_study(postgres_url: str) -> None:
    in_processes(share, [(postgres_url,)] * 4)
    with Store.open(postgres_url) as store:
        trials, points = store.trials("s"), store.fronts("s")
        assert [t.state for t in trials] == ["finished"] * 40 and len({t.digest for t in trials}) == 40
        assert [point.finished for point in points] == list(range(1, 41)) and store.claims("s") == {}
        owners = {attempt.owner for t in trials for attempt in store.attempts("s", t.number)}
    assert len(owners) > 1
    states = [trial.state.name for trial in optuna.load_study(study_name="s", storage=postgres_url).trials]
    assert states.count("COMPLETE") == 40 and set(states) <= {"COMPLETE", "FAIL"}


@pytest.mark.slow
def test_studies_move_between_a_file_and_a_server_and_change_there(postgres_url: str, tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path}/mixnas.db"
    search(file)
    search(postgres_url, sampler="tpe", trials=6)
    with Store.open(file, create=True) as here, Store.open(postgres_url, create=True) as there:
        new = len({t.digest for t in here.trials("s")} - {t.digest for t in there.trials("s")})
        assert merge(here, "s", there, "s").added == new
        assert copy(there, "s", here, "back") == 6 + new
        assert here.curves("back") == there.curves("s") and here.fronts("back") == there.fronts("s")
        assert copy(here, "s", there, "sent") == 3
        there.rename_study("sent", "renamed")
        there.delete_study("s")
        assert there.study_names() == ["renamed"] == optuna.get_all_study_names(postgres_url)
        study(there, "another")
        start(there, 0, "another")
        finish(there, 0, "another")
    search(postgres_url, name="renamed", trials=5)
    assert len(optuna.load_study(study_name="renamed", storage=postgres_url).trials) == 5
