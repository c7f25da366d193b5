"""A search, its pages, export and training for the tasks that are not classification, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

import mixnas
from mixnas import pages
from mixnas.cli.main import build_app
from mixnas.data import DATASETS, datasets_for, load_test
from mixnas.errors import UnknownName, UsageError
from mixnas.model_config import read_config
from mixnas.objectives import OBJECTIVES, objective
from mixnas.store import Store
from mixnas.study import StudySpec

CASES = {"segmentation": ("miou", (11, 12, 12)), "super_resolution": ("psnr", (1, 24, 24))}
MODEL = "width <= 16 and depth <= 2"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, and one thread."""
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(before)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), list(arguments))


def succeed(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.exception
    return done.stdout


@pytest.mark.parametrize("task", CASES)
def test_from_search_to_a_tested_model(task: str, folder: Path) -> None:
    main, shape = CASES[task]
    flags = ["--space", "wavemix_lite", "--task", task, "--objective", f"{main},params", "--constraint", MODEL]
    budget = ["--trials", "2", "--epochs", "1", "--executor", "inline", "--study", "tiny"]
    assert "2 of 2 trials finished" in succeed("search", *flags, *budget)

    front = json.loads(succeed("pareto", "--json", "--plot", "front.html"))
    assert front and all(point["values"][main] > 0 for point in front)
    assert OBJECTIVES[main].unit in ("fraction", "dB") and (folder / "front.html").stat().st_size > 1000

    succeed("export", "--best", f"{main} where params <= 1M", "-o", "model.yaml")
    assert task in succeed("profile", "model.yaml")
    out = succeed("train", "model.yaml", "--epochs", "1")
    assert f"{main} " in out and "read 1 time for this model" in out

    config = read_config(folder / "model.yaml")
    assert config.problem.task == task and config.provenance["training"]["test_metrics"][main] > 0
    model = mixnas.load_model(folder / "model.yaml").eval()
    images = load_test(DATASETS[datasets_for(task)[0]].name).images[:3].float()
    with torch.no_grad():
        assert tuple(model(images).shape) == (3, *shape)
    check_pages(folder / "mixnas.db", main)


def check_pages(database: Path, main: str) -> None:
    from mixnas.figures.style import axis_title

    with Store.open(f"sqlite:///{database}") as store:
        assert axis_title(objective(main)) in pages.study_page(store, "tiny", "pareto")
        assert store.study("tiny").spec["reference"][main] == 0.0
        history = store.fronts("tiny")
    assert history[-1].hypervolume > 0


@pytest.mark.parametrize(
    ("flags", "message", "way_out"),
    [
        (("--space", "splitmixer", "--task", "segmentation"), "splitmixer' cannot do segmentation", "wavemix_lite"),
        (("--task", "segmentation", "--dataset", "digits"), "'digits' is for classification", "digits-seg"),
        (("--task", "segmentatoin"), "unknown task 'segmentatoin'", "segmentation"),
        (("--task", "segmentation", "--objective", "acc,params"), "'acc' is for classification", "miou, pixel_acc"),
        (("--task", "super_resolution", "--objective", ""), "--objective is empty", "psnr,params"),
        (("--dataset", "digits-seg", "--recipe", "splitmixer"), "changes images and not their targets", "none, flip"),
        (("--dataset", "cityscapes"), "'cityscapes' is not in", "--data-dir"),
    ],
)
def test_mistakes_are_clear_and_write_nothing(flags: tuple[str, ...], message: str, way_out: str, folder: Path) -> None:
    flags = flags if "--space" in flags else ("--space", "wavemix_lite", *flags)
    error = run("search", *flags, "--executor", "inline", "--trials", "1").exception
    assert isinstance(error, UsageError) and error.exit_code == 2
    assert message in error.message and way_out in error.hint, str(error)
    assert list(folder.iterdir()) == []


# ------------------------------------------------------------------------------------------ what a spec fills in


@pytest.mark.parametrize("task", ["classification", "segmentation", "super_resolution"])
def test_a_task_brings_an_embedded_data_set_and_objectives(task: str) -> None:
    first = datasets_for(task)[0]
    assert DATASETS[first].embedded
    by_task, by_data = (StudySpec("wavemix_lite", **given) for given in ({"task": task}, {"dataset": first}))
    assert by_task == by_data and (by_task.task, by_task.dataset) == (task, first)
    main, cost = by_task.resolved_objectives
    assert (main.task, main.kind, cost.name) == (task, "learned", "params")
    assert StudySpec.from_dict(by_task.to_dict()) == by_task


def test_without_any_it_is_as_it_was() -> None:
    spec = StudySpec("splitmixer")
    assert (spec.task, spec.dataset, spec.objectives) == ("classification", "digits", ("acc", "params"))


def test_unknown_tasks_and_data_sets() -> None:
    with pytest.raises(UnknownName, match="unknown task 'segment'"):
        StudySpec("splitmixer", task="segment")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match=r"unknown data set 'digits-sge'.*did you mean 'digits-seg'"):
        StudySpec("splitmixer", dataset="digits-sge")
    with pytest.raises(UsageError, match="objective 'miou' is for segmentation, the task is classification"):
        StudySpec("splitmixer", objectives=("miou", "params"))


def test_flags_beside_a_study_bring_each_other() -> None:
    from mixnas.cli.search import _spec

    base = StudySpec("wavemix_lite", objectives=("params", "macs"))
    assert _spec(base, {"task": "segmentation"}).dataset == "digits-seg"
    assert _spec(base, {"dataset": "digits-sr"}).task == "super_resolution"
    assert _spec(base, {"task": "classification"}).dataset == base.dataset
