"""From what a user writes to arms: factors, levels, the base, what is left out, and every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixnas.ablation import AblationSpec, Factor, Scale, load_ablation
from mixnas.ablation.factors import read_factors
from mixnas.ablation.tricks import TRICKS
from mixnas.errors import MixnasError, UsageError
from mixnas.model_config import ModelConfig, write_config
from mixnas.models import FAMILIES, family
from mixnas.records import Problem
from mixnas.space import load_space
from tests.ablation.conftest import SMALL, prepared, spec

SPACE = load_space("splitmixer")
BASE = dict(family("splitmixer").named["splitmixer-I-256/8"].axes)

WIDE = {"width": 64, "depth": 2}


def levels(*texts: str | Factor) -> dict[str, dict[str, Any]]:
    return {f.name: {name: dict(c) for name, c in f.levels.items()} for f in read_factors(texts, SPACE, BASE)}


def test_an_axis_alone_has_all_its_values() -> None:
    assert levels("spatial") == {
        "spatial": {"separable": {"spatial": "separable"}, "depthwise": {"spatial": "depthwise"}}
    }


def test_values_and_axes_may_follow_each_other_in_one_text() -> None:
    found = levels("channel.ratio=2/3,3/5,spatial,kernel_size=3,5")
    assert {name: list(known) for name, known in found.items()} == {
        "channel.ratio": ["2/3", "3/5"],
        "spatial": ["separable", "depthwise"],
        "kernel_size": ["3", "5"],
    }
    assert found["kernel_size"]["3"] == {"kernel_size": 3}


def test_a_single_value_is_compared_with_that_of_the_base() -> None:
    assert levels("spatial=depthwise")["spatial"] == {"separable": {}, "depthwise": {"spatial": "depthwise"}}
    assert levels("channel.shared=on")["channel.shared"] == {"off": {}, "on": {"channel.shared": True}}


def test_groups_change_several_axes_together() -> None:
    assert levels("trick: as is | plain spatial=depthwise channel=dense") == {
        "trick": {"as is": {}, "plain": {"spatial": "depthwise", "channel": "dense"}}
    }


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["spatia"], "unknown axis"),
        (["kernel_size=4"], "has no value '4'"),
        (["spatial=depthwise,spatial=separable"], "twice|both change"),
        (["spatial", "g: a | b spatial=depthwise"], "both change axis 'spatial'"),
        (["g: a | a spatial=depthwise"], "two levels are called 'a'"),
        (["g: a | "], "a level is empty"),
        (["kernel_size,g: a | b spatial=depthwise"], "a group after other axes"),
        ([Factor("f", {"a": {"width": 17}})], "axis 'width' has no value 17"),
        ([Factor("f", {"a": {"wide": 17}})], "unknown axis"),
    ],
)
def test_mistakes_are_named_with_a_way_out(texts: list[str | Factor], words: str) -> None:
    with pytest.raises(MixnasError, match=words) as caught:
        levels(*texts)
    assert caught.value.hint  # type: ignore[attr-defined]


def test_one_at_a_time_has_the_base_and_each_other_level_once() -> None:
    found = prepared(design="oat", vary=("channel.ratio=2/3,3/5,4/7", "spatial"), changes=WIDE)
    assert [arm.label for arm in found.arms] == [
        "base",
        "channel.ratio=3/5",
        "channel.ratio=4/7",
        "spatial=depthwise",
    ]
    assert found.runs == 4 * 3


def test_cells_that_are_no_candidate_or_the_same_are_left_out_with_the_reason() -> None:
    found = prepared(vary=("channel=overlap,dense", "channel.ratio=2/3,3/5"))
    assert [arm.label for arm in found.arms] == ["base", "channel.ratio=3/5", "channel=dense"]
    (same,) = found.left_out
    assert same.label == "channel=dense, channel.ratio=3/5"
    assert "the same architecture as channel=dense" in same.reason
    narrow = prepared(vary=("channel.ratio=3/5,4/7",), design="oat")
    assert [cell.label for cell in narrow.left_out] == ["channel.ratio=4/7"]  # 9 of 16 channels either way
    invalid = prepared(vary=("kernel_size=3,9",), design="oat", changes=SMALL | {"kernel_size": 3, "patch_size": 1})
    assert len(invalid.arms) == 2
    (broken,) = prepared(vary=("patch_size=1,2,7", "spatial"), design="oat").left_out
    assert broken.label == "patch_size=7"
    assert "fewer than 2x2 patches" in broken.reason


def test_arms_that_the_gate_refuses_are_left_out() -> None:
    found = prepared(constraints=("params <= 1.42k",))
    assert [arm.label for arm in found.arms] == ["base", "channel=dense"]
    assert {cell.label for cell in found.left_out} == {"spatial=depthwise", "spatial=depthwise, channel=dense"}
    assert all(cell.reason == "refused before training: params <= 1.42k" for cell in found.left_out)


def test_what_a_change_brings_with_it_is_filled_in_and_said() -> None:
    found = prepared(base="convmixer-256/8", vary=("channel=dense,overlap",), design="oat")
    arm = found.arms[1]
    assert arm.axes["channel.ratio"] == "2/3"
    assert "channel.ratio=2/3 is the first value of the space" in arm.notes


def test_a_base_outside_the_factorial_is_an_arm_for_comparison_only() -> None:
    found = prepared(vary=("channel.ratio=3/5,4/7", "spatial"), changes=WIDE)
    assert (found.arms[0].label, found.arms[0].in_design) == ("base", False)
    assert len(found.arms) == 5


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_tricks_are_axes_of_their_space(name: str) -> None:
    assert name in FAMILIES
    known = {parameter.axis for parameter in load_space(name).parameters().values()}
    assert {axis for off in TRICKS[name].values() for axis in off} <= known


def test_leave_one_out_turns_the_tricks_of_the_family_off() -> None:
    found = prepared(vary=(), design="leave-one-out")
    assert [arm.label for arm in found.arms] == [
        "base",
        "1-D spatial convolutions=off",
        "channel segments=off",
        "1-D spatial convolutions=off, channel segments=off",
    ]
    with pytest.raises(UsageError, match="none of the tricks"):
        prepared(base="convmixer-256/8", vary=(), design="leave-one-out")


def test_the_base_may_be_axes_or_a_config_file(tmp_path: Path) -> None:
    axes = prepared().arms[0].axes
    problem = Problem.square(8, 1, 10)
    write_config(ModelConfig("splitmixer", axes, problem), tmp_path / "model.yaml")
    from_file = prepared(base=str(tmp_path / "model.yaml"), changes={}, name="")
    from_axes = prepared(base=axes, space="splitmixer", changes={})
    assert from_file.arms[0].digest == from_axes.arms[0].digest == prepared().arms[0].digest
    assert from_file.spec.name == "model-digits-ablation"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"changes": {}}, "cannot be trained on digits"),
        ({"changes": {"width": 17}}, "axis 'width' has no value 17"),
        ({"changes": {**SMALL, "wide": 1}}, "unknown axis"),
        ({"base": "nonsense"}, "unknown model"),
        ({"base": {"width": 16}, "space": ""}, "needs a space"),
        ({"base": "timm:resnet18"}, "no axes to vary"),
        ({"space": "wavemix_lite"}, "is of family 'splitmixer'"),
        ({"vary": ()}, "nothing is varied"),
        ({"metric": "params"}, "not learned"),
        ({"metric": "miou"}, "not learned on classification"),
        ({"constraints": ("params <= 10",)}, "the base is refused"),
        ({"constraints": ("params <= 1079",), "vary": ("spatial",)}, "every arm but the base"),
        ({"dataset": "nowhere"}, "unknown"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    fields: dict[str, Any], words: str, storage: str
) -> None:
    with pytest.raises(UsageError, match=words):
        prepared(storage, **fields)
    assert not Path(storage.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"design": "latin"}, "unknown design"),
        ({"seeds": 0}, "not a number of seeds"),
        ({"epochs": -1}, "at least 1"),
        ({"scales": {"huge": Scale()}}, "unknown scale"),
    ],
)
def test_specs_are_checked(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(MixnasError, match=words):
        spec(**fields)


def test_specs_survive_the_store() -> None:
    given = spec(vary=("spatial", Factor("trick", {"on": {}, "off": {"channel": "dense"}})))
    assert AblationSpec.from_dict(given.to_dict()) == given


def test_a_scale_changes_what_it_names_and_is_a_study_of_its_own() -> None:
    whole = spec(scales={"smoke": Scale(epochs=1, seeds=2, changes={"depth": 4})}, evaluator="train")
    small = whole.at("smoke")
    assert (small.name, small.epochs, small.seeds) == ("tricks-smoke", 1, 2)
    assert small.changes == {"width": 16, "depth": 4}
    assert small.vary == whole.vary


def test_study_files_are_loaded_by_name_and_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from mixnas.ablation import AblationSpec\nstudy = AblationSpec(base='convmixer-256/8')\n")
    assert load_ablation(str(file)).name == "mine"
    file.write_text("study = 3\n")
    with pytest.raises(UsageError, match="no AblationSpec"):
        load_ablation(str(file))
    with pytest.raises(UsageError, match="no AblationSpec") as caught:
        load_ablation("splitmixer_digits")
    assert "mixnas search splitmixer_digits" in caught.value.hint
