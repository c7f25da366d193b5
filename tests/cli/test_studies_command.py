"""`mixnas studies`: whole studies shown, renamed, deleted, merged and copied, on our side and on Optuna's."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from typer.testing import CliRunner, Result

from mixnas.cli.main import build_app
from mixnas.errors import MixnasError, StoreError, UnknownName, UsageError
from mixnas.pareto import front
from mixnas.records import Replicate
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.store import Store
from mixnas.study import StudySpec

SPEC = StudySpec("splitmixer", ("acc", "params"), name="s", evaluator="toy", epochs=2, sampler="random", trials=3)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def search(path: Path, **changes: Any) -> None:
    """A search of a few milliseconds a trial."""
    with open_session(replace(SPEC, **changes), url(path), executor="inline") as session:
        run(session.driver, session.executor)


def call(*arguments: str) -> Result:
    """The command; its own errors are raised."""
    result = CliRunner().invoke(build_app(), ["studies", *arguments])
    if isinstance(result.exception, MixnasError):
        raise result.exception
    return result


def both_sides(path: Path, study: str) -> tuple[dict[int, Any], dict[int, Any]]:
    """Values by trial number: in our tables, and as Optuna reads them."""
    with Store.open(url(path)) as store:
        ours = {t.number: [t.values[o] for o in SPEC.objectives] for t in store.trials(study, "finished")}
    theirs = optuna.load_study(study_name=study, storage=url(path)).get_trials()
    return ours, {t.number: t.values for t in theirs if t.state == optuna.trial.TrialState.COMPLETE}


def assert_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    search(tmp_path / "mixnas.db")
    return tmp_path / "mixnas.db"


def test_the_group_alone_lists_as_list_does(path: Path) -> None:
    alone, named = call("--storage", url(path)), call("list", "--storage", url(path))
    assert alone.exit_code == named.exit_code == 0 and alone.stdout == named.stdout and "s " in alone.stdout
    asked = call("--storage", url(path), "--json").stdout
    assert (
        asked == call("--storage", url(path), "list", "--json").stdout == call("--storage", url(path), "--json").stdout
    )
    (row,) = json.loads(asked)
    assert row["name"] == "s" and row["finished"] == 3 and row["paused"] == 0


def test_show_tells_what_a_study_is(path: Path) -> None:
    facts = json.loads(call("show", "s", "--json", "--storage", url(path)).stdout)
    assert facts["objectives"] == ["acc", "params"] and facts["counts"]["finished"] == 3
    assert facts["searched by"] == "nobody" and facts["reference"].keys() == {"acc", "params"}
    text = call("show", "s", "--storage", url(path)).stdout
    assert "dataset      digits\n" in text and "sampler      random\n" in text
    assert call("show", "--storage", url(path)).stdout == text  # it is the only one
    with pytest.raises(UnknownName, match="did you mean"):
        call("show", "ss", "--storage", url(path))


def test_rename_reaches_both_sides_and_the_search_goes_on(path: Path) -> None:
    before = both_sides(path, "s")
    call("rename", "s", "new name", "--storage", url(path))
    assert both_sides(path, "new name") == before and before[0] == before[1]
    with Store.open(url(path)) as store:
        assert store.study_names() == ["new name"]
    search(path, name="new name", trials=5)
    ours, theirs = both_sides(path, "new name")
    assert len(ours) == 5 and ours == theirs
    assert_sound(path)


@pytest.mark.parametrize(("new", "message"), [("t", "exists already"), ("", "printable"), ("a\x1bb", "printable")])
def test_a_name_that_cannot_be_is_refused_and_nothing_changes(path: Path, new: str, message: str) -> None:
    search(path, name="t")
    with pytest.raises(StoreError, match=message):
        call("rename", "s", new, "--storage", url(path))
    assert both_sides(path, "s")[0] == both_sides(path, "s")[1] != {}


def test_a_name_that_only_optuna_knows_is_refused(path: Path) -> None:
    optuna.create_study(storage=url(path), study_name="theirs")
    with pytest.raises(StoreError, match="Optuna's tables hold a study 'theirs' already"):
        call("rename", "s", "theirs", "--storage", url(path))
    assert len(both_sides(path, "s")[0]) == 3


def test_delete_asks_and_leaves_other_studies_alone(path: Path) -> None:
    search(path, name="t", seed=1)
    kept = both_sides(path, "t")
    with pytest.raises(UsageError, match="nobody is there to confirm"):
        call("delete", "s", "--storage", url(path))
    assert call("delete", "s", "--yes", "--storage", url(path)).stdout == "Deleted study s with its 3 trials\n"
    assert optuna.get_all_study_names(url(path)) == ["t"] and both_sides(path, "t") == kept
    with pytest.raises(UnknownName):
        call("delete", "s", "--yes", "--storage", url(path))
    assert_sound(path)


@pytest.mark.parametrize("command", [("rename", "s", "t"), ("delete", "s", "--yes"), ("copy", "s", "--as", "t")])
def test_a_study_that_a_search_holds_is_left_alone(path: Path, command: tuple[str, ...]) -> None:
    before = both_sides(path, "s")
    with Store.open(url(path)) as store:
        assert store.hold_study("s", "elsewhere:1", 60, instead_of="")
        with pytest.raises(UsageError, match="is in use by elsewhere:1"):
            call(*command, "--storage", url(path))
        assert store.study_names() == ["s"] and both_sides(path, "s") == before
        store.let_go_of_study("s", "elsewhere:1")
    assert call(*command, "--storage", url(path)).exit_code == 0


def test_copy_takes_everything_to_a_new_file_where_the_search_goes_on(path: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    with Store.open(url(path)) as store:
        store.record_replicate("s", Replicate(1, 9, "finished", {"acc": 0.5, "params": 1.0}))
        store.record_measurement(store.trial("s", 0).digest, "p", "latency", 1.5)
        store.count("s", "refused", "params <= 1", 4)
    call("copy", "s", "--to", url(new), "--as", "copied", "--storage", url(path))
    with Store.open(url(path)) as old, Store.open(url(new)) as store:
        found, known = store.study_rows("copied"), old.study_rows("s")
        assert store.fronts("copied") == old.fronts("s") and store.curves("copied") == old.curves("s")
        assert store.study("copied").spec == old.study("s").spec
        assert store.refusals("copied") == {"params <= 1": 4} and store.replicates("copied") == old.replicates("s")
        assert {k: len(v) for k, v in found.ours.items()} == {k: len(v) for k, v in known.ours.items()}
        assert [t.values for t in store.trials("copied")] == [t.values for t in old.trials("s")]
    assert both_sides(new, "copied") == both_sides(path, "s")
    search(new, name="copied", trials=5)
    assert len(both_sides(new, "copied")[1]) == 5 and len(both_sides(path, "s")[1]) == 3
    assert_sound(new)
    with pytest.raises(StoreError, match="exists already"):
        call("copy", "s", "--to", url(new), "--as", "copied", "--storage", url(path))


def test_merge_brings_results_together_by_architecture(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    search(other, sampler="tpe", trials=9)  # the sampler is no part of what a result means
    with Store.open(url(path)) as store, Store.open(url(other)) as from_store:
        mine = {t.digest: t.values for t in store.trials("s")}
        theirs = {t.digest: t.values for t in from_store.trials("s")}
    assert len(theirs.keys() - mine.keys()) > 0
    said = call("merge", "s", "--from", url(other), "--storage", url(path)).stdout
    assert said.startswith(f"Added {len(theirs.keys() - mine.keys())} trials to study s, ")
    with Store.open(url(path)) as store:
        trials = store.trials("s")
        assert {t.digest: t.values for t in trials} == theirs | mine
        assert store.curves("s").keys() == {t.number for t in trials} == set(range(len(trials)))
        last = store.fronts("s")[-1]
        expected = front(trials, SPEC.resolved_objectives)
        assert last.finished == len(trials) and set(last.members) == {t.number for t in expected}
    ours, optunas = both_sides(path, "s")
    assert ours == optunas and len(ours) == len(theirs | mine)
    again = call("merge", "s", "--from", url(other), "--storage", url(path)).stdout
    assert again.startswith("Added 0 trials to study s, 9 were there already")
    search(path, trials=len(trials) + 2)
    ours, optunas = both_sides(path, "s")
    assert ours == optunas and len(ours) == len(trials) + 2
    assert_sound(path)


def test_merge_refuses_another_search_with_the_differences(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    search(other, seed=1, epochs=3)
    with pytest.raises(UsageError, match="epochs: stored 2, to be merged 3; seed: stored 0, to be merged 1"):
        call("merge", "s", "--from", url(other), "--storage", url(path))
    with pytest.raises(UsageError, match="cannot be merged into itself"):
        call("merge", "s", "--storage", url(path))
    assert len(both_sides(path, "s")[0]) == 3


def test_merge_leaves_open_trials_behind(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    search(other, sampler="tpe", trials=2)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("UPDATE mixnas_trials SET state = 'running' WHERE number = 1")
        connection.commit()
    assert (
        "; 1 that have not ended stay where they are"
        in call("merge", "s", "--from", url(other), "--storage", url(path)).stdout
    )


def test_a_missing_database_is_named_and_not_made(tmp_path: Path) -> None:
    for command in (("list",), ("show", "s"), ("copy", "s", "--to", url(tmp_path / "b.db"))):
        with pytest.raises(StoreError, match="no database at"):
            call(*command, "--storage", url(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []
