"""`mixnas pareto` and `mixnas studies`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.errors import StoreError, UnknownName, UsageError
from mixnas.pareto import front
from mixnas.store import Store
from tests.figures.samples import ACC_PARAMS, add_study, fill


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('cli') / 'mixnas.db'}"
    with Store.open(url, create=True) as store:
        fill(store, "filled", 40)
        add_study(store, "empty")
    return url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), list(arguments))


def test_json_is_the_front_and_nothing_else(database: str) -> None:
    entries = json.loads(run("pareto", "--storage", database, "--study", "filled", "--json").stdout)
    with Store.open(database) as store:
        members = front(store.trials("filled"), ACC_PARAMS)
    assert [e["trial"] for e in entries] == [t.number for t in members]
    assert entries[0] == {
        "trial": members[0].number, "digest": members[0].digest, "config": members[0].axes,
        "values": {"acc": members[0].values["acc"], "params": members[0].values["params"]},
    }  # fmt: skip
    assert isinstance(entries[0]["values"]["params"], int)
    assert json.loads(run("pareto", "--storage", database, "--study", "empty", "--json").stdout) == []


def test_csv_has_a_column_for_each_axis(database: str) -> None:
    text = run("pareto", "--storage", database, "--study", "filled", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    entries = json.loads(run("pareto", "--storage", database, "--study", "filled", "--json").stdout)
    for row, entry in zip(rows, entries, strict=True):
        assert (int(row["trial"]), row["digest"]) == (entry["trial"], entry["digest"])
        assert float(row["acc"]) == entry["values"]["acc"]
        assert row["channel"] == entry["config"]["channel"]
        assert row.get("channel.ratio", "") == entry["config"].get("channel.ratio", "")
    empty = run("pareto", "--storage", database, "--study", "empty", "--csv").stdout
    assert empty == "trial,digest,acc,params\n"


def test_table_shows_exact_counts_and_the_architecture(database: str) -> None:
    text = run("pareto", "--storage", database, "--study", "filled").stdout
    with Store.open(database) as store:
        members = front(store.trials("filled"), ACC_PARAMS)
    assert f"Front of filled: {len(members)} of 40 trials" in text
    assert all(f"{t.values['params']:,.0f}" in text and f"{t.values['acc']:.4f}" in text for t in members)
    assert f"width {members[0].axes['width']} · depth" in text


def test_an_empty_front_is_a_sentence(database: str) -> None:
    result = run("pareto", "--storage", database, "--study", "empty")
    assert result.stdout == "Study 'empty' has no finished trial yet, so there is no front.\n"
    assert result.exit_code == 0


def test_plot_draws_the_front_and_keeps_json_clean(database: str, tmp_path: Path) -> None:
    file = tmp_path / "front.html"
    result = run("pareto", "--storage", database, "--study", "filled", "--json", "--plot", str(file))
    assert json.loads(result.stdout) and file.stat().st_size > 1_000_000
    refused = run("pareto", "--storage", database, "--study", "empty", "--plot", str(file))
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.message == "study 'empty' has no front to draw: it needs a finished trial"


def test_the_study_must_be_named_when_there_are_several(database: str, tmp_path: Path) -> None:
    error = run("pareto", "--storage", database).exception
    assert isinstance(error, UsageError)
    assert str(error) == "the database holds 2 studies (choose one with --study: empty, filled)"
    assert isinstance(run("pareto", "--storage", database, "--study", "fild").exception, UnknownName)
    single = f"sqlite:///{tmp_path}/one.db"
    with Store.open(single, create=True) as store:
        assert "holds no study yet" in str(run("pareto", "--storage", single).exception)
        add_study(store, "only")
    assert "Study 'only' has no finished trial" in run("pareto", "--storage", single).stdout


def test_json_and_csv_exclude_each_other(database: str) -> None:
    assert "exclude each other" in str(run("pareto", "--storage", database, "--json", "--csv").exception)


def test_studies(database: str, tmp_path: Path) -> None:
    counts = json.loads(run("studies", "--storage", database, "--json").stdout)
    ended = {"finished": 36, "failed": 4, "running": 0, "paused": 0, "stopped": 0}
    assert counts[1] == {"name": "filled", **ended, "duplicates": 13, "refused": 41}
    text = run("studies", "--storage", database).stdout
    assert "filled" in text and "41" in text
    with Store.open(f"sqlite:///{tmp_path}/none.db", create=True):
        assert "No study yet" in run("studies", "--storage", f"sqlite:///{tmp_path}/none.db").stdout


@pytest.mark.parametrize("command", ["pareto", "studies"])
def test_a_missing_database_is_not_created(command: str, tmp_path: Path) -> None:
    result = run(command, "--storage", f"sqlite:///{tmp_path}/none.db")
    assert isinstance(result.exception, StoreError) and result.exception.exit_code == 2
    assert list(tmp_path.iterdir()) == []
