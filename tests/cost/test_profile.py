"""A profile: totals of the closed forms beside the stages of the built model."""

from __future__ import annotations

import json

import pytest
import torch

from mixnas.cost.profile import profile
from mixnas.errors import ConfigError, UnknownName
from mixnas.models import FAMILIES, family
from mixnas.records import Problem


@pytest.mark.parametrize("name", FAMILIES)
def test_stages_add_up_to_the_totals(name: str) -> None:
    found = profile(name, family(name).tiny, Problem.square(16))
    assert sum(stage.params for stage in found.stages) == found.params
    assert sum(stage.macs for stage in found.stages) == found.macs - found.macs_unseen


def test_the_tree_goes_down_to_the_layers() -> None:
    found = profile("splitmixer", family("splitmixer").tiny, Problem.square(16))
    stem, blocks, head = found.stages
    assert [stage.name for stage in (stem, blocks, head)] == ["stem", "blocks", "head"]
    assert [stage.name for stage in blocks.stages] == ["0", "1"]
    assert [stage.name for stage in blocks.stages[0].stages] == ["spatial", "channel", "activation", "norm"]
    conv = stem.stages[0]
    assert (conv.name, conv.kind, conv.params, conv.macs) == ("0", "Conv2d", 8 * 3 * 4 + 8, 8 * 3 * 4 * 64)
    assert conv.saved == 32 * 8 * 64 * 4  # its output, which the activation needs
    assert conv.memory["parameters"] == conv.params * 4


def test_it_becomes_plain_json() -> None:
    found = profile("splitmixer", family("splitmixer").tiny, Problem.square(16, in_channels=1, num_classes=7))
    data = json.loads(json.dumps(found.to_dict()))
    assert (data["input"], data["num_classes"], data["uncounted"]) == ([1, 16, 16], 7, {"gelu": 7, "add": 2})
    assert data["stages"][0]["stages"][0]["kind"] == "Conv2d"


def test_the_random_state_of_the_caller_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    profile("splitmixer", family("splitmixer").tiny, Problem.square(16))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_model_too_large_to_run_is_costed_all_the_same() -> None:
    found = profile("splitmixer", {"width": 256, "depth": 8}, Problem.square(100_000))
    assert found.macs > 10**14
    assert (found.stages, found.uncounted, found.memory) == ((), {}, None)


def test_wrong_axes_and_families_are_refused() -> None:
    with pytest.raises(ConfigError, match="kernel_size must be odd"):
        profile("splitmixer", {"kernel_size": 2}, Problem())
    with pytest.raises(UnknownName, match="did you mean 'splitmixer'"):
        profile("splitmixr", {}, Problem())
