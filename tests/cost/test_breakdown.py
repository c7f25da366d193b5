"""Memory by module and by kind: what it adds up to, and what is known of the parts without a trace."""

from __future__ import annotations

import pytest

from mixnas.cost.breakdown import Memory, breakdown
from mixnas.cost.memory import Setup, inference_memory, training_memory
from mixnas.models import FAMILIES, family
from mixnas.records import Candidate, Problem

TIMM = ["timm:resnet18", "timm:vit_tiny_patch16_224"]


def of(name: str, setup: Setup) -> tuple[Memory, Candidate, Problem]:
    axes, problem = family(name).tiny, Problem.square(32)
    return breakdown(name, axes, problem, setup), axes, problem


def in_all(found: Memory, kind: str) -> int:
    return sum(inside.get(kind, 0) for inside in found.modules.values())


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("setup", [Setup(8), Setup(4, "bf16", clip=False)], ids=["fp32", "bf16"])
def test_modules_and_kinds_add_up_to_the_predicted_peak(name: str, setup: Setup) -> None:
    found, axes, problem = of(name, setup)
    assert found.peak == training_memory(name, axes, problem, setup)
    assert found.inference == inference_memory(name, axes, problem, setup)
    assert found.peak == sum(found.kinds.values()) == sum(sum(inside.values()) for inside in found.modules.values())
    assert found.kinds == {kind: in_all(found, kind) for kind in found.kinds}


@pytest.mark.parametrize("name", [*FAMILIES, *TIMM])
def test_parameters_and_what_hangs_on_their_number(name: str) -> None:
    if name in TIMM:
        pytest.importorskip("timm")
    found, axes, problem = of(name, Setup(2))
    model = family(name).build(axes, problem)
    parameters = dict(model.named_parameters())
    count = sum(p.numel() for p in parameters.values())
    assert found.peak == sum(found.kinds.values())
    assert found.kinds["parameters"] == 4 * count
    assert found.kinds["optimiser"] == 2 * 4 * count + 4 * len(parameters)  # two moments, and the number of steps
    assert found.kinds.get("gradients", 0) <= 4 * count
    for path, module in model.named_modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        assert found.modules.get(path, {}).get("parameters", 0) == 4 * own
        assert found.of(path)[1].get("parameters", 0) == 4 * sum(p.numel() for p in module.parameters())


def test_what_is_saved_can_be_worked_out_by_hand() -> None:
    axes: Candidate = {"width": 16, "depth": 1, "patch_size": 2, "channel": "dense", "spatial": "depthwise"}
    found = breakdown("splitmixer", axes, Problem.square(16), Setup(4))
    output = 4 * 16 * 8 * 8 * 4  # batch, width, positions, bytes: every layer's output here is of that size
    statistics = 2 * 16 * 4  # mean and deviation of each channel, which batch norm saves
    assert found.saved["stem.0"] == found.saved["stem.1"] == found.saved["blocks.0.channel"] == output
    assert found.saved["stem.2"] == output + statistics
    assert found.saved["blocks.0"] == output  # the sum with what skips the spatial mixer
    assert found.saved["blocks.0.norm"] == statistics  # the head takes a mean, whose gradient needs no input
    assert found.modules[""]["inputs"] == 4 * (3 * 16 * 16 * (1 + 4) + 8)  # as bytes, as floats, and the targets
    assert sum(found.saved.values()) == found.of("stem")[0] + found.of("blocks")[0] + found.of("head")[0]


def test_the_moment_is_named() -> None:
    deep: Candidate = {"width": 16, "depth": 3, "channel": "dense"}
    assert breakdown("splitmixer", deep, Problem(), Setup(16)).moment == "backward of block 3"
    wide: Candidate = {"width": 512, "depth": 2, "patch_size": 7, "channel": "dense", "kernel_size": 3}
    small = breakdown("splitmixer", wide, Problem.square(14), Setup(1))
    assert small.moment == "backward of the stem"
    assert small.kinds["gradients"] == small.kinds["parameters"]
