"""The closed forms of WaveMix-Lite against the built model, fvcore, thop, and the papers' tables."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mixnas.cost.check import count
from mixnas.models.families.wavemix_lite import FAMILY
from mixnas.models.wavemix_costs import (
    DEFAULTS,
    fvcore_macs,
    macs,
    macs_thop,
    params,
    transform_macs,
)
from mixnas.models.wavemix_lite import build
from mixnas.models.wavemix_named import NAMED, axes_of
from mixnas.records import Candidate, Problem

PAPERS = Path(__file__).parent.parent / "papers"


def counted_by_thop(model: nn.Module, problem: Problem) -> int:
    """In eval mode; it leaves its counters in the model."""
    from thop import profile

    total, _ = profile(model, (torch.zeros(1, *problem.input),), verbose=False)
    return int(total)


@st.composite
def members(draw: st.DrawFn) -> tuple[Candidate, Problem]:
    """Any small member of the family with a problem that it can work on."""
    stem = draw(st.sampled_from(["strided", "patchify"]))
    upsample = draw(st.sampled_from(["deconv", "interpolate"]))
    axes: Candidate = {
        "width": 4 * draw(st.integers(1, 5)),
        "depth": draw(st.integers(1, 3)),
        "levels": draw(st.integers(1, 4)),
        "transform": draw(st.sampled_from(["dwt", "dwt", "average_pool", "strided_conv"])),
        "wavelet": draw(st.sampled_from(["haar", "db2", "bior2.2"])),
        "mult": draw(st.integers(1, 4)),
        "stem": stem,
        **({"stem.stride": draw(st.integers(1, 2))} if stem == "strided" else {}),
        **({"stem.patch_size": draw(st.sampled_from([1, 2, 4, 8]))} if stem == "patchify" else {}),
        "upsample": upsample,
        **({"upsample.ff_ratio": draw(st.sampled_from(["1/2", "3/4", "1", "2"]))} if upsample == "deconv" else {}),
        "head_ratio": draw(st.sampled_from(["1/2", "3/4"])),
    }
    reduction = axes.get("stem.patch_size", int(axes.get("stem.stride", 1)) ** 2)
    smallest = int(reduction) * (2 ** (int(axes["levels"]) - 1) + 1)
    sides = st.integers(smallest, smallest + 9)
    task: Any = draw(st.sampled_from(FAMILY.tasks))
    problem = Problem(task, draw(st.integers(1, 3)), draw(sides), draw(sides), draw(st.integers(1, 7)))
    return axes, problem


@given(members())
@settings(max_examples=20, deadline=None)
def test_closed_forms_equal_the_built_model_fvcore_and_thop(member: tuple[Candidate, Problem]) -> None:
    axes, problem = member
    model = build(axes, problem)
    assert params(axes, problem) == sum(p.numel() for p in model.parameters())
    assert fvcore_macs(axes, problem) == count(model, problem.input).total
    assert macs(axes, problem) == fvcore_macs(axes, problem) + transform_macs(axes, problem)
    assert macs_thop(axes, problem) == counted_by_thop(model, problem)


@given(members().filter(lambda member: member[0]["transform"] == "dwt"))
@settings(max_examples=15, deadline=None)
def test_transform_macs_are_those_of_the_pyramids_in_the_model(member: tuple[Candidate, Problem]) -> None:
    from mixnas.models.wavelet import WaveletPyramid, wavelet_macs

    axes, problem = member
    found = []

    def note(layer: WaveletPyramid, inputs: tuple[torch.Tensor]) -> None:
        _, channels, height, width = inputs[0].shape
        found.append(wavelet_macs(height, width, channels, layer.levels, layer.length))

    model = build(axes, problem).eval()
    for layer in model.modules():
        if isinstance(layer, WaveletPyramid):
            layer.register_forward_pre_hook(note)
    model(torch.zeros(1, *problem.input))
    assert transform_macs(axes, problem) == sum(found)


@given(st.lists(members(), min_size=1, max_size=12), st.sampled_from(FAMILY.tasks))
@settings(max_examples=25, deadline=None)
def test_columns_cost_the_same_as_candidates_one_by_one(members: list[tuple[Candidate, Problem]], task: Any) -> None:
    problem = Problem(task, 3, 96, 80, 5)
    candidates = [{name: value for name, value in axes.items() if name != "dropout"} for axes, _ in members]
    names = [name for name in DEFAULTS if name != "dropout"]
    fillers: Candidate = {"stem.stride": 0, "stem.patch_size": 0, "upsample.ff_ratio": ""}
    columns = {name: np.array([c.get(name, fillers.get(name)) for c in candidates]) for name in names}
    for cost in (params, macs, macs_thop, fvcore_macs, transform_macs):
        assert cost(columns, problem).tolist() == [cost(c, problem) for c in candidates]
        assert cost(columns, problem).dtype == np.int64
        assert isinstance(cost(candidates[0], problem), int)


def test_one_column_beside_plain_values() -> None:
    found = params({"width": np.array([64, 144]), "depth": 7}, Problem())
    assert found.tolist() == [603450, 3042550]


def rows(name: str) -> list[dict[str, str]]:
    with (PAPERS / f"papers_wavemix_{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


IN_THE_TABLE = {
    "Galaxy10 90.23 192/16 L1 patch4": "wavemix-192/16-L1-p4",
    "Galaxy10 95.42 192/16 L3 patch4": "wavemix-192/16-L3-p4",
    "ImageNet 71.18 192/16 L1 patch4 (12M)": "wavemix-192/16-L1-p4",
    "ImageNet 75.06 192/16 L3 patch4 (28M)": "wavemix-192/16-L3-p4",
    "ImageNet 73.03 256/16 L3 patch4": "wavemix-256/16-L3-p4",
    "ImageNet 70.42 256/16 L4 strided2": "wavemix-256/16-L4-s2",
    "Places365 54.94 256/12 L2 patch8": "wavemix-256/12-L2-p8",
    "CIFAR-10 94.58 144/7 L1": "wavemix-lite-144/7",
    "CIFAR-10 95.37 320/8 L1": "wavemix-lite-320/8",
    "CIFAR-100 76.91 256/7 L1": "wavemix-lite-256/7",
    "CIFAR-100 77.82 256/8 L1": "wavemix-lite-256/8",
    "CIFAR-100 78.81 256/10 L1": "wavemix-lite-256/10",
    "TinyImageNet 62.51 256/12 L1": "wavemix-lite-256/12",
    "TinyImageNet 71.69 192/16 L3": "wavemix-192/16-L3-p4",
    "TinyImageNet 78.76 192/16 L3 @128": "wavemix-192/16-L3-p4",
    "Cityscapes 83.04 192/16 L3 + deconv head": "wavemix-seg-192/16-L3-p4",
    "Cityscapes pkg default 256/16 L4 stride2": "wavemix-seg-256/16-L4-s2",
    "Cityscapes Lite-128/8 L1 stride2 20cls": "wavemix-seg-128/8-L1-s2",
    "Cityscapes Lite-256/7 L1 stride2 20cls": "wavemix-seg-256/7-L1-s2",
    "Cityscapes Lite-256/8 L1 stride2 20cls": "wavemix-seg-256/8-L1-s2",
    "Cityscapes Lite-256/16 L1 stride2 20cls": "wavemix-seg-256/16-L1-s2",
}
CLASSES = {"Galaxy10 DECals": 10, "Tiny ImageNet": 200, "Tiny ImageNet (resized to 128)": 200}


@pytest.mark.parametrize("row", rows("computed"), ids=lambda row: f"{row['model']} @{row['input']}")
def test_table_of_computed_costs_is_reproduced_to_the_unit(row: dict[str, str]) -> None:
    named = NAMED[IN_THE_TABLE[row["model"]]]
    channels, height, width = (int(side) for side in row["input"].split("x"))
    classes = CLASSES.get(row["dataset"], named.problem.num_classes)
    problem = Problem(named.problem.task, channels, height, width, classes)
    assert params(named.axes, problem) == int(row["params_computed"])
    assert fvcore_macs(named.axes, problem) == int(row["flops_fvcore_eval"])
    assert macs_thop(named.axes, problem) == int(row["macs_thop"])
    assert transform_macs(named.axes, problem) == int(row["dwt_macs_not_counted"])


@pytest.mark.parametrize("row", rows("param_efficiency"), ids=lambda row: row["model"])
def test_parameter_efficiency_table_is_reproduced_to_the_unit(row: dict[str, str]) -> None:
    named = NAMED["wavemix-" + row["model"].split(" ")[0].lower()]
    assert "x".join(str(side) for side in named.problem.input) == row["input"]
    assert named.axes["mult"] == int(row["mult"])
    built = sum(p.numel() for p in build(named.axes, named.problem).parameters())
    assert params(named.axes, named.problem) == built == int(row["params_published"]) == int(row["params_computed"])


@pytest.mark.parametrize("row", [r for r in rows("other_params") if r["model"].startswith(("Lite", "pkg"))])
def test_further_sizes_are_reproduced_to_the_unit(row: dict[str, str]) -> None:
    kind, *words = row["model"].split(" ")
    levels = int(words.pop(0)[1:]) if kind == "pkg" else 1
    width, depth = (int(number) for number in words[0].split("/"))
    classes = int(words[1].removesuffix("cls"))
    patch = {2: 8, 3: 4}.get(levels, 0)
    choices: dict[str, Any] = {"stem": "patchify", "stem__patch_size": patch} if patch else {}
    channels = 1 if words[-1] == "1ch" else 3
    problem = Problem.square(64, channels, classes)
    assert params(axes_of(width, depth, levels, **choices), problem) == int(row["params"])


@pytest.mark.parametrize("name", NAMED)
def test_every_published_model_builds_with_the_parameters_of_the_closed_form(name: str) -> None:
    named = NAMED[name]
    with torch.device("meta"):
        model = build(named.axes, named.problem)
    assert sum(p.numel() for p in model.parameters()) == params(named.axes, named.problem)
