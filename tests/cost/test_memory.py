"""Predicted memory: against the allocator, against full traces, and at sizes that no machine has."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
import torch

from mixnas.cost import memory
from mixnas.cost.measured import measured_memory
from mixnas.cost.memory import Setup, inference_memory, trace, traced_memory, training_memory
from mixnas.errors import ConfigError, UsageError
from mixnas.models import FAMILIES, family
from mixnas.models.family import Family, Probe
from mixnas.records import Candidate, Problem
from mixnas.space import load_space

SPLIT = {"channel": "disjoint", "channel.mixes": "all", "channel.shared": True}
CHECKED: list[tuple[str, Candidate, Setup]] = [
    ("splitmixer", {"width": 32, "depth": 3, "kernel_size": 3, "channel": "dense"}, Setup(32)),
    ("splitmixer", {"width": 48, "depth": 2, "norm": "layer", "spatial": "depthwise", "channel": "dense"}, Setup(16)),
    ("splitmixer", {"width": 64, "depth": 2, **SPLIT, "channel.segments": 2}, Setup(16, "bf16")),
    ("splitmixer", {"width": 32, "depth": 2, **SPLIT, "channel.segments": 2, "channel.operator": "conv3d"}, Setup(16)),
    ("splitmixer", {"width": 64, "depth": 4, "channel": "overlap", "channel.mixes": "one"}, Setup(16, "bf16", False)),
    ("wavemix_lite", {"width": 32, "depth": 2, "levels": 2, "dropout": 0.1}, Setup(16)),
    ("wavemix_lite", {"width": 32, "depth": 2, "levels": 1, "wavelet": "db2", "upsample": "interpolate"}, Setup(16)),
    (
        "wavemix_lite",
        {"width": 32, "depth": 2, "levels": 3, "stem": "patchify", "stem.patch_size": 2},
        Setup(32, "bf16"),
    ),
    ("mlp_mixer", {"width": 64, "depth": 2}, Setup(32)),
]


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX512", reason="kernels are known for AVX-512 only")
@pytest.mark.parametrize(("name", "axes", "setup"), CHECKED)
def test_the_allocator_reports_what_was_predicted(name: str, axes: Candidate, setup: Setup) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        measured = measured_memory(name, axes, Problem(), setup)
    finally:
        torch.set_num_threads(threads)
    assert training_memory(name, axes, Problem(), setup) == pytest.approx(measured, rel=0.03)


def _forget_traces() -> None:
    memory._traced.cache_clear()
    memory._probed.cache_clear()


def candidates(space: str, count: int, seed: int = 0) -> list[Candidate]:
    return list(load_space(space).sample_many(random.Random(seed), count))


@pytest.mark.parametrize(("space", "count"), [("splitmixer", 16), ("wavemix_lite", 6), ("mlp_mixer", 6), ("hybrid", 8)])
def test_short_cuts_are_exact(space: str, count: int) -> None:
    _same_as_traces(space, count)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "count"), [("splitmixer", 80), ("wavemix_lite", 40), ("mlp_mixer", 40), ("hybrid", 40)]
)
def test_short_cuts_are_exact_for_many(space: str, count: int) -> None:
    _same_as_traces(space, count, seed=1)


def _same_as_traces(space: str, count: int, seed: int = 0) -> None:
    rng = random.Random(seed)
    for axes in candidates(space, count, seed):
        setup = Setup(rng.choice((2, 16, 48)), rng.choice(("fp32", "bf16")), rng.random() < 0.7)
        found = training_memory(space, axes, Problem(), setup), inference_memory(space, axes, Problem(), setup)
        traced = (
            traced_memory(space, axes, Problem(), setup),
            traced_memory(space, axes, Problem(), setup, training=False),
        )
        assert found == traced, (axes, setup)


@pytest.mark.parametrize("name", FAMILIES)
def test_depth_is_extrapolated_exactly(name: str) -> None:
    for depth in (2, 7, 11):
        axes = {**family(name).tiny, "depth": depth}
        assert training_memory(name, axes, Problem(), Setup(8)) == traced_memory(name, axes, Problem(), Setup(8))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_shallow_trace_serves_every_depth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[int] = []

    def noted(family: Family, axes: Candidate, *rest: Any) -> Any:
        traced.append(int(axes["depth"]))
        return trace(family, axes, *rest)

    monkeypatch.setattr(memory, "trace", noted)
    _forget_traces()
    found = [
        training_memory(name, {**family(name).tiny, "depth": depth}, Problem(), Setup(8)) for depth in (16, 32, 48, 64)
    ]
    assert max(traced) < 16 and len(traced) <= 2
    assert found[1] - found[0] == found[2] - found[1] == found[3] - found[2] > 0  # memory is affine in depth


@pytest.mark.parametrize("segments", [2, 3, 5])
@pytest.mark.parametrize("width", [30, 32])
def test_blocks_that_take_turns_are_extrapolated_exactly(width: int, segments: int) -> None:
    sizes: Candidate = {"width": width, "depth": 13, "channel": "disjoint", "channel.segments": segments}
    axes = {**sizes, "channel.mixes": "one"}
    assert training_memory("splitmixer", axes, Problem(), Setup(4)) == traced_memory(
        "splitmixer", axes, Problem(), Setup(4)
    )


def test_a_size_of_one_is_traced_because_layouts_are_ambiguous_then() -> None:
    probe = family("splitmixer").probe
    assert probe is not None
    assert isinstance(probe({"width": 8}, Problem(), 2), Probe)
    assert probe({"width": 8}, Problem(), 1) is None
    assert probe({"width": 8, "patch_size": 32}, Problem(), 2) is None
    assert probe({"width": 8, "channel": "disjoint", "channel.segments": 8}, Problem(), 2) is None


def test_a_tebibyte_is_costed_and_never_allocated() -> None:
    large: Candidate = {"width": 4096, "depth": 100, "patch_size": 1, "channel": "dense"}
    training_memory("splitmixer", {**large, "width": 64}, Problem(), Setup(2))
    start = time.perf_counter()
    found = training_memory("splitmixer", large, Problem.square(64), Setup(256))
    assert found > 2**40
    assert time.perf_counter() - start < 5  # allocating it would be an error, or take minutes


def test_what_makes_a_figure_differ() -> None:
    axes = family("splitmixer").named["splitmixer-I-256/8"].axes
    base = training_memory("splitmixer", axes, Problem(), Setup(32))
    assert training_memory("splitmixer", axes, Problem(), Setup(64)) > 1.9 * base
    assert training_memory("splitmixer", axes, Problem(), Setup(32, "bf16")) < 0.6 * base
    assert inference_memory("splitmixer", axes, Problem(), Setup(32)) < 0.2 * base


@pytest.mark.parametrize(
    ("axes", "problem", "message"),
    [
        ({"width": -8}, Problem(), "width must be a whole number of at least 1, got -8"),
        ({"width": 8}, Problem.square(0), "patch_size 2 is larger than the image, 0x0"),
        ({"width": "wide"}, Problem(), "width must be a whole number of at least 1, got 'wide'"),
    ],
)
def test_what_makes_no_model_is_refused(axes: dict[str, Any], problem: Problem, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        training_memory("splitmixer", axes, problem, Setup(4))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_measuring_on_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no such device here: cuda"):
        measured_memory("splitmixer", family("splitmixer").tiny, Problem(), Setup(4), device="cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("name", "axes", "setup"), CHECKED[:6])
def test_cuda_measures_about_what_was_predicted(name: str, axes: Candidate, setup: Setup) -> None:
    # The prediction knows the CPU's kernels; cuDNN's workspaces and blocks of 512 bytes come on top.
    measured = measured_memory(name, axes, Problem(), setup, device="cuda")
    assert training_memory(name, axes, Problem(), setup) == pytest.approx(measured, rel=0.3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_measures_more_for_more_images() -> None:
    axes = family("splitmixer").tiny
    small, large = (measured_memory("splitmixer", axes, Problem(), Setup(b), device="cuda") for b in (16, 64))
    assert large > small
