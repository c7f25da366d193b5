"""`mixnas profile`: what MODEL may name, what is printed, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mixnas.cli.profile import register
from mixnas.errors import StoreError, UnknownName, UsageError
from mixnas.lookup import find_model
from mixnas.model_config import ModelConfig, write_config
from mixnas.models import family, named_models
from mixnas.records import Fidelity, Problem
from mixnas.store import Store

runner = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(app: typer.Typer, *arguments: str) -> str:
    result = runner.invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_published_model_as_json(app: typer.Typer) -> None:
    data = json.loads(run(app, "splitmixer-I-256/8", "--image-size", "32", "--num-classes", "10", "--json"))
    assert (data["params"], data["macs"], data["macs_thop"]) == (275_834, 68_561_408, 71_838_464)
    assert (data["input"], data["num_classes"]) == ([3, 32, 32], 10)
    assert data["uncounted"] == {"gelu": 25, "add": 8}


def test_the_problem_can_be_changed(app: typer.Typer) -> None:
    changes = ("--image-size", "28", "--channels", "1", "--num-classes", "7")
    data = json.loads(run(app, "splitmixer-I-256/8", *changes, "--json"))
    member, problem = family("splitmixer").named["splitmixer-I-256/8"], Problem.square(28, 1, 7)
    assert data["input"] == [1, 28, 28]
    assert data["params"] == family("splitmixer").params(member.axes, problem)


def test_the_text_form_names_units_stages_and_what_is_left_out(app: typer.Typer) -> None:
    lines = [" ".join(line.split()) for line in run(app, "splitmixer-IV-256/8").splitlines()]
    assert "parameters 307,466" in lines
    assert "MACs 76,483,072 a forward pass of one image, as fvcore counts" in lines
    assert "MACs (thop) 79,760,128 the same in thop's convention, as the papers print it" in lines
    assert "1 to 7, each 37,632 9,437,184 12.3% 72.1 MiB" in lines
    assert "8 37,632 9,437,184 12.3% 64.1 MiB" in lines  # nothing after it needs its output
    assert "channel 33,024 8,388,608 11.0% 8.12 MiB" in lines
    assert "Not counted: gelu (25x), add (8x)" in lines
    kinds = "activations temporaries optimiser parameters inputs buffers gradients"
    assert f"at the peak {kinds} total" in lines
    assert lines[-1].startswith("total 593 MiB 16 MiB")


def test_memory_is_of_the_batch_and_precision_that_were_asked_for(app: typer.Typer) -> None:
    def memory(*flags: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run(app, "splitmixer-I-256/8", "--json", *flags))["memory"]
        return found

    small, half = memory("--batch-size", "4"), memory("--batch-size", "4", "--precision", "bf16")
    assert (small["batch_size"], half["precision"]) == (4, "bf16")
    assert sum(small["kinds"].values()) == small["peak"] > half["peak"] > half["inference"]


def test_it_is_drawn_as_an_icicle(app: typer.Typer, tmp_path: Path) -> None:
    text = run(app, "splitmixer-I-256/8", "--plot", "profile.html")
    assert "parameters" in text
    assert "icicle" in (tmp_path / "profile.html").read_text()[-200_000:]
    with pytest.raises(UsageError, match="too large to run here"):
        run(app, "splitmixer-I-256/8", "--image-size", "100000", "--plot", "profile.html")
    with pytest.raises(UsageError, match=r"cannot write a figure as '?\.txt"):
        run(app, "splitmixer-I-256/8", "--plot", "profile.txt")


def test_the_list_names_every_published_model(app: typer.Typer) -> None:
    data = json.loads(run(app, "--list", "--json"))
    assert [entry["name"] for entry in data] == list(named_models())
    assert data[0]["params"] == 594_186
    text = run(app, "--list")
    assert all(name in text for name in named_models())


def test_a_config_file(app: typer.Typer, tmp_path: Path) -> None:
    problem = Problem.square(8, in_channels=1)
    write_config(ModelConfig("splitmixer", dict(family("splitmixer").tiny), problem), tmp_path / "model.yaml")
    data = json.loads(run(app, "model.yaml", "--json"))
    assert data["input"] == [1, 8, 8]
    assert data["params"] == family("splitmixer").params(family("splitmixer").tiny, problem)


def a_study(spec: dict[str, str]) -> None:
    """A study in ./mixnas.db with one trial."""
    with Store.open("sqlite:///mixnas.db", create=True) as store:
        store.create_study("digits", spec, {}, {})
        axes, problem = dict(family("splitmixer").tiny), Problem()
        held: dict[str, Any] = {
            "problem_key": problem.key(),
            "costs": {},
            "source": "test",
            "owner": "test",
            "lease_seconds": 60.0,
        }
        store.start_trial("digits", 0, "0" * 16, "splitmixer", axes, Fidelity(1, 0), **held)


def test_a_trial(app: typer.Typer) -> None:
    problem = Problem.square(8, in_channels=1)
    a_study({"family": "splitmixer", "problem": problem.key()})
    data = json.loads(run(app, "digits/0", "--json"))
    assert (data["model"], data["input"]) == ("digits/0", [1, 8, 8])
    assert data["params"] == family("splitmixer").params(family("splitmixer").tiny, problem)


def test_an_unknown_trial_of_a_known_study_is_refused() -> None:
    a_study({"family": "splitmixer", "problem": Problem().key()})
    with pytest.raises(UnknownName, match="trial"):
        find_model("digits/7", "sqlite:///mixnas.db")
    with pytest.raises(UnknownName, match="unknown model 'other/0'"):
        find_model("other/0", "sqlite:///mixnas.db")


def test_a_study_that_does_not_say_what_it_is_for_is_refused() -> None:
    a_study({"family": "splitmixer"})
    with pytest.raises(StoreError, match="study 'digits' does not say what its models are for"):
        find_model("digits/0", "sqlite:///mixnas.db")


def test_an_unknown_name_lists_close_ones_and_makes_no_database() -> None:
    with pytest.raises(UnknownName) as caught:
        find_model("splitmixer-I-256/9", "sqlite:///mixnas.db")
    assert caught.value.message == "unknown model 'splitmixer-I-256/9'"
    assert caught.value.hint.startswith("did you mean 'splitmixer-I-256/8' or ")
    assert "STUDY/NUMBER for a trial in sqlite:///mixnas.db" in caught.value.hint
    assert list(Path().iterdir()) == []


def test_wrong_use_is_refused(app: typer.Typer) -> None:
    with pytest.raises(UsageError, match="which model"):
        runner.invoke(app, [], catch_exceptions=False)
    with pytest.raises(UsageError, match="--list prints all names"):
        runner.invoke(app, ["splitmixer-I-256/8", "--list"], catch_exceptions=False)
    assert runner.invoke(app, ["splitmixer-I-256/8", "--image-size", "0"]).exit_code == 2
    with pytest.raises(UnknownName, match=r"unknown --precision 'bf61' \(did you mean 'bf16'"):
        run(app, "splitmixer-I-256/8", "--precision", "bf61")
