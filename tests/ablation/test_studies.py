"""Every ablation in studies/ can be run at every size, by merely lying there; at smoke it is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from PIL import Image

from mixnas import catalog
from mixnas.ablation.experiment import Experiment, prepare
from mixnas.ablation.formats import to_markdown
from mixnas.ablation.plots import figures
from mixnas.ablation.runner import open_ablation
from mixnas.ablation.spec import SIZES, AblationSpec, known_ablations, load_ablation
from mixnas.models import family
from mixnas.search.loop import run

STUDIES = sorted(known_ablations())
NOWHERE = "sqlite:////nonexistent/mixnas.db"
"""No base of these studies is a trial of a database."""


def experiment(name: str, scale: str) -> Experiment:
    """As the study has it, but costed without a trace for its memory, which takes seconds."""
    return prepare(replace(load_ablation(name).at(scale), evaluator="toy"), NOWHERE)


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest) -> AblationSpec:
    return load_ablation(request.param)


def test_there_are_studies_of_both_papers_and_their_hybrid() -> None:
    assert {name.partition("_")[0] for name in STUDIES} >= {"splitmixer", "wavemix", "hybrid"}


def test_it_says_what_it_asks_what_is_expected_and_where_from(study: AblationSpec) -> None:
    assert study.question.endswith("?")
    assert study.expectation.endswith(".")
    assert re.search(r"arXiv:\d{4}\.\d{5}", study.source)


def test_it_has_all_sizes(study: AblationSpec) -> None:
    assert tuple(study.scales) == SIZES
    assert study.scales["laptop"].evaluator == "" and (study.scales["laptop"].seeds or study.seeds) >= 5


@pytest.mark.parametrize("scale", SIZES)
@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_is_a_model_of_its_own_with_nothing_made_up(name: str, scale: str) -> None:
    found = experiment(name, scale)
    assert found.left_out == () and found.changed == ()
    assert [arm.label for arm in found.arms if arm.notes] == []
    assert sum(arm.label == "base" for arm in found.arms) == 1
    for arm in found.arms:
        with torch.device("meta"):
            model = family(found.space.family).build(arm.axes, found.problem)
        assert sum(p.numel() for p in model.parameters()) == arm.costs["params"]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all, since making one takes longer than a study at smoke."""
    return f"sqlite:///{tmp_path_factory.mktemp('studies')}/smoke.db"


@pytest.mark.parametrize("name", STUDIES)
def test_it_runs_at_smoke(name: str, storage: str) -> None:
    found = prepare(load_ablation(name).at("smoke"), NOWHERE)
    with open_ablation(found, storage, executor="inline") as ablation:
        assert run(ablation.driver, ablation.executor) == "done"
        assert ablation.driver.finished == found.runs == len(found.arms) * 2


@pytest.mark.parametrize("scale", SIZES)
def test_settings_at_equal_parameters_have_equal_parameters(scale: str) -> None:
    costs = [arm.costs["params"] for arm in experiment("splitmixer_settings_equal_parameters", scale).arms]
    assert len(costs) == 6
    assert max(costs) <= 1.03 * min(costs)


GALLERY = catalog.load(catalog.builtin_folder("studies") / "_gallery.py")
MEASURED = GALLERY.measured(STUDIES)


def test_a_study_says_what_came_out_where_it_was_measured() -> None:
    assert set(MEASURED) == {name for name in STUDIES if load_ablation(name).result}
    for name in MEASURED:
        assert re.match(
            r"(Confirmed|Contradicted|Not distinguishable|No direction was expected)\b", load_ablation(name).result
        )


@pytest.mark.parametrize("name", MEASURED)
def test_what_was_measured_is_what_the_study_asks_now(name: str) -> None:
    """Same architectures and seeds, every run of them; a mean is the mean of its runs."""
    arms, runs = GALLERY.rows(name), GALLERY.rows(name, "-runs.csv")
    found = experiment(name, "laptop")
    assert {(row["arm"], row["digest"]) for row in arms} == {(arm.label, arm.digest) for arm in found.arms}
    assert {(row["arm"], int(row["seed"])) for row in runs} == {(a.label, s) for a in found.arms for s in found.seeds}
    for arm in arms:
        values = [float(row["acc"]) for row in runs if row["arm"] == arm["arm"]]
        assert float(arm["acc"]) == pytest.approx(sum(values) / len(values))


@pytest.mark.parametrize("name", MEASURED)
def test_reports_pictures_and_the_line_that_says_how_are_made_of_the_runs(name: str) -> None:
    """Renewed by `python studies/_gallery.py`; the last digit of a number may depend on the machine."""
    found = GALLERY.analysis(name)
    number = re.compile(r"\d[\d,.e-]*")
    report = (GALLERY.RESULTS / f"{name}.md").read_text()
    assert number.sub("#", report) == number.sub("#", to_markdown(found))
    assert [float(row["acc"]) for row in GALLERY.rows(name)] == pytest.approx([arm.mean for arm in found.arms])
    study = load_ablation(name)
    assert study.measured == GALLERY.how(found)
    for part in ("seeds", "standard deviation", "torch", "Python", "CPU"):
        assert part in study.measured
    for kind in {*figures(found)} & {*GALLERY.PICTURES}:
        with Image.open(GALLERY.RESULTS / f"{name}-{kind}.png") as picture:
            assert picture.width == 1800


def test_at_least_six_were_measured_with_five_seeds() -> None:
    seeds = {name: {run["seed"] for run in GALLERY.rows(name, "-runs.csv")} for name in MEASURED}
    assert sum(len(found) >= 5 for found in seeds.values()) >= 6


def test_the_line_that_says_how_is_renewed_in_its_place() -> None:
    text = "study = AblationSpec(\n    result=(\n        'so'\n    ),\n    base='b',\n)\n"
    once = GALLERY.with_measured(text, "word " * 40)
    assert once.index("result=") < once.index("measured=") < once.index("base=")
    assert GALLERY.with_measured(GALLERY.with_measured(once, "other"), "word " * 40) == once


def test_the_gallery_page_is_made_of_the_studies_and_their_reports() -> None:
    page = GALLERY.page({name: load_ablation(name) for name in STUDIES})
    assert (GALLERY.FOLDER / "README.md").read_text() == page
