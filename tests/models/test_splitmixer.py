"""The SplitMixer family: its config, its costs in closed form, the papers' tables, and timm's ConvMixer."""

from __future__ import annotations

import csv
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.cost.check import count
from mixnas.errors import ConfigError
from mixnas.models.families.splitmixer import FAMILY, axes_of
from mixnas.models.splitmixer import (
    ChannelConv3d,
    OverlappingSegments,
    Segments,
    SharedSegments,
    SplitMixer,
    SplitMixerConfig,
    build,
)
from mixnas.models.splitmixer_costs import DEFAULTS, macs, macs_thop, params
from mixnas.records import Candidate, Problem

PAPERS = Path(__file__).parent.parent / "papers"


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    """Any valid member of the family, kept small."""
    channel = draw(st.sampled_from(("dense", "overlap", "disjoint")))
    mixes = draw(st.sampled_from(("one", "all")))
    shared = mixes == "all" and draw(st.booleans())
    conv3d = shared and draw(st.booleans())
    segments = draw(st.integers(1, 5))
    ratio = draw(st.sampled_from(("2/3", "3/5", "4/7", "5/9", "6/11", "1/3", "9/10")))
    width = draw(st.integers(3, 24))
    if channel == "disjoint":
        width = segments * -(-width // segments) if shared else max(width, segments)
    if channel == "overlap" and conv3d:
        width += width % 2
    choices: Candidate = {
        "activation": draw(st.sampled_from(("gelu", "relu", "silu"))),
        "norm": draw(st.sampled_from(("batch", "layer"))),
        "spatial": draw(st.sampled_from(("separable", "depthwise"))),
        "channel": channel,
        "channel.ratio": ratio,
        "channel.segments": segments,
        "channel.mixes": mixes,
        "channel.shared": shared,
        "channel.operator": "conv3d" if conv3d else "pointwise",
    }
    depth, patch, kernel = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.sampled_from((1, 3, 5, 7)))
    return axes_of(choices, width=width, depth=depth, patch_size=patch, kernel_size=kernel)


problems = st.builds(
    Problem,
    task=st.just("classification"),
    in_channels=st.integers(1, 4),
    height=st.integers(3, 12),
    width=st.integers(3, 12),
    num_classes=st.integers(1, 7),
)


# ----------------------------------------------------------------------------------------------- costs, closed form


@settings(max_examples=60, deadline=None)
@given(candidates(), problems)
def test_closed_forms_equal_the_built_model_and_fvcore(axes: Candidate, problem: Problem) -> None:
    model = build(axes, problem)
    assert params(axes, problem) == sum(p.numel() for p in model.parameters())
    assert macs(axes, problem) == count(model, problem.input).total


@settings(max_examples=25, deadline=None)
@given(candidates(), problems)
def test_the_thop_form_equals_thop(axes: Candidate, problem: Problem) -> None:
    thop = pytest.importorskip("thop")
    found, _ = thop.profile(
        build(axes, problem),
        (torch.zeros(1, *problem.input),),
        custom_ops={ChannelConv3d: count_channel_conv3d, Segments: count_segments},
        verbose=False,
    )
    assert macs_thop(axes, problem) == found


def count_channel_conv3d(layer: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
    """thop knows modules by their exact class; to it, this Conv3d is none."""
    layer.total_ops += output.shape[2:].numel() * layer.positions * layer.weight.numel()


def count_segments(layer: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
    """Where the segments run as one grouped convolution, thop meets no module that it knows."""
    layer.total_ops += output.shape[2:].numel() * sum(c.weight.numel() for c in layer.convolutions)


@settings(max_examples=60, deadline=None)
@given(st.lists(candidates(), min_size=1, max_size=20), problems, st.sampled_from((0, -7, 10**6)), st.data())
def test_columns_give_what_single_candidates_give(
    rows: list[Candidate], problem: Problem, number: int, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(("", "dense", "all", "nonsense", "2/3")))
    columns = columns_of(rows, number, text)
    for cost in (params, macs, macs_thop):
        found = cost(columns, problem)
        assert found.dtype == np.int64
        assert found.tolist() == [cost(axes, problem) for axes in rows]


def columns_of(rows: list[Candidate], number: int, text: str) -> dict[str, np.ndarray]:
    """One column an axis; entries of inactive axes hold whatever is given."""
    filler: dict[type, Any] = {int: number, str: text, bool: bool(number)}
    return {
        name: np.array([axes.get(name, filler[type(default)]) for axes in rows]) for name, default in DEFAULTS.items()
    }


def test_a_column_may_hold_more_than_small_integers_allow() -> None:
    axes = {**dict.fromkeys(("depth",), np.array([20], np.int16)), "width": np.array([2048], np.int16)}
    problem = Problem.square(224)
    assert macs(axes, problem).item() == macs({"width": 2048, "depth": 20}, problem)


def test_axes_left_out_take_the_defaults() -> None:
    assert params({}, Problem()) == params(dict(DEFAULTS), Problem()) == 569_610


# --------------------------------------------------------------------------------------------- the papers' tables


def rows(name: str) -> list[dict[str, str]]:
    with (PAPERS / name).open(newline="") as file:
        return list(csv.DictReader(file))


COMPUTED = rows("papers_splitmixer_computed.csv")
PUBLISHED = [row for row in COMPUTED if row["flops_M_published"]]
IMAGENET = rows("papers_splitmixer_imagenet_configs.csv")

SHORT = "12,288 parameters too few: printed before 24 norms without weights were corrected"
MISPRINTS = {
    ("CIFAR-10", "ConvMixer", "params_M_published"): ("0.59", "rounded up from the 0.594 of earlier versions"),
    ("CIFAR-10", "II", "params_M_published"): ("0.18", "truncated"),
    ("CIFAR-10", "III", "params_M_published"): ("0.18", "truncated"),
    ("CIFAR-100", "ConvMixer", "flops_M_published"): ("152.7", "truncated"),
    ("CIFAR-100", "I", "params_M_published_3dp"): ("0.299", "truncated"),
    ("CIFAR-100", "II", "params_M_published"): ("0.20", SHORT),
    ("CIFAR-100", "III", "params_M_published"): ("0.20", SHORT),
    ("CIFAR-100", "IV", "params_M_published"): ("0.33", SHORT),
    ("CIFAR-100", "II", "params_M_published_3dp"): ("0.199", SHORT),
    ("CIFAR-100", "III", "params_M_published_3dp"): ("0.199", SHORT),
    ("CIFAR-100", "IV", "params_M_published_3dp"): ("0.331", SHORT),
}
"""Printed figures that are not the rounded exact ones: what they should be, and why they are not."""

CLASSES = {"CIFAR-10": 10, "CIFAR-100": 100, "Flowers102": 102, "Food101": 101}


def variant(row: dict[str, str]) -> tuple[Candidate, Problem]:
    """The candidate and problem of a row of the computed table, from its words."""
    words = row["variant"]
    name, _, rest = words.partition(" ")
    number = rest.rpartition("=")[2]
    if words.startswith("ConvMixer"):
        member = "splitmixer-spatial" if "1D" in words else "convmixer"
    elif name == "StrideMixer":
        member = "stridemixer" if "III" in words else "stridemixer-overlap"
    else:
        member = "splitmixer-channel" if "channel only" in words else f"splitmixer-{name}"
    axes = dict(FAMILY.named[f"{member}-256/8"].axes)
    axes.update(kernel_size=int(row["kernel"]), patch_size=int(row["patch"]))
    if "s=" in words:
        axes["channel.segments"] = int(number)
    elif "r=" in words:
        axes["channel.ratio"] = number
    channels, height, width = (int(size) for size in row["input"].split("x"))
    return axes, Problem("classification", channels, height, width, CLASSES[row["dataset"]])


def test_the_table_has_the_twenty_published_rows() -> None:
    assert len(PUBLISHED) == 20


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['dataset']}-{row['variant']}")
def test_published_figures_are_reproduced_to_the_printed_digit(row: dict[str, str]) -> None:
    axes, problem = variant(row)
    exact = {
        "params_M_published": params(axes, problem),
        "params_M_published_3dp": params(axes, problem),
        "flops_M_published": macs_thop(axes, problem),
    }
    model = re.split(r"[ -]", row["variant"])[0]
    for column, value in exact.items():
        printed = row[column]
        if not printed:
            continue
        decimals = len(printed.partition(".")[2])
        right, reason = MISPRINTS.get((row["dataset"], model, column), (printed, ""))
        assert str((Decimal(value) / 10**6).quantize(Decimal(10) ** -decimals, ROUND_HALF_UP)) == right
        assert (right == printed) == (not reason)
        if reason == "truncated":
            assert value * 10**decimals // 10**6 == int(printed.replace(".", ""))


def test_the_misprinted_parameters_are_those_of_norms_without_weights() -> None:
    for row in PUBLISHED:
        found = MISPRINTS.get((row["dataset"], row["variant"].split()[0], "params_M_published_3dp"))
        if found and found[1] == SHORT:
            without = params(*variant(row)) - 24 * 2 * 256
            assert without * 1000 // 10**6 == int(row["params_M_published_3dp"].replace(".", ""))


@pytest.mark.parametrize("dataset", CLASSES)
def test_every_computed_row_is_exact(dataset: str) -> None:
    checked = [row for row in COMPUTED if row["dataset"] == dataset]
    assert len(checked) == (33 if dataset.startswith("CIFAR") else 25)
    for row in checked:
        axes, problem = variant(row)
        found = (params(axes, problem), macs_thop(axes, problem), convolution_macs(axes, problem))
        assert found == tuple(int(row[c]) for c in ("params_computed", "macs_thop_computed", "macs_conv_only")), row


@pytest.mark.parametrize("row", IMAGENET, ids=lambda row: row["model"])
def test_every_imagenet_size_is_exact(row: dict[str, str]) -> None:
    name = row["model"].partition(" ")[0].replace("ConvMixer", "convmixer").replace("SplitMixer", "splitmixer")
    member = FAMILY.named[name]
    assert (member.problem, member.axes["activation"]) == (
        Problem.square(224, num_classes=1000),
        "relu" if "768" in name else "gelu",
    )
    axes = {**member.axes, "spatial": "depthwise"} if "channel only" in row["model"] else member.axes
    found = (params(axes, member.problem), macs_thop(axes, member.problem), convolution_macs(axes, member.problem))
    assert found == tuple(int(row[column]) for column in ("params", "thop_macs_closed_form", "conv_macs_only"))


def convolution_macs(axes: Candidate, problem: Problem) -> int:
    """Convolutions alone, from the documented form: thop's count less norms, pooling and the classifier."""
    width, patch = int(axes["width"]), int(axes["patch_size"])
    positions = (problem.height // patch) * (problem.width // patch)
    norms = 1 + int(axes["depth"]) * (3 if axes["spatial"] == "separable" else 2)
    other = 4 * norms * width * positions + (positions + 1) * width + width * problem.num_classes
    return int(macs_thop(axes, problem)) - other


def test_all_published_members_are_named() -> None:
    sizes = ("256/8", "256/8-k7-p7")
    models = ["convmixer", *(f"splitmixer-{s}" for s in ("I", "II", "III", "IV", "V", "spatial", "channel"))]
    models += ["stridemixer", "stridemixer-overlap"]
    large = [f"{m}-{size}" for m in models[:6] for size in ("1536/20", "768/32", "1024/20")]
    assert set(FAMILY.named) == {f"{m}-{size}" for m in models for size in sizes} | set(large)


# ---------------------------------------------------------------------------------------------------------- config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd, so that the output keeps the input's size, got 4"),
        ({"width": 0}, "width must be a whole number of at least 1, got 0"),
        ({"depth": True}, "depth must be a whole number of at least 1, got True"),
        ({"norm": "instance"}, "norm must be one of batch, layer, got 'instance'"),
        ({"channel.ratio": "3/2"}, "ratio must be a fraction between 0 and 1 such as '2/3', got '3/2'"),
        ({"channel.ratio": 0.5}, "ratio must be a fraction between 0 and 1 such as '2/3', got 0.5"),
        ({"channel.ratio": "2/0"}, "ratio must be a fraction between 0 and 1 such as '2/3', got '2/0'"),
        ({"width": 1}, "width 1 is too small for ratio 2/3: a segment would have no channel"),
        (
            {"channel": "disjoint", "channel.segments": 9},
            "width 8 is too small for 9 segments: a segment would have no channel",
        ),
        (
            {"channel.operator": "conv3d"},
            "operator conv3d mixes all segments with one weight: it needs mixes all and shared true",
        ),
        (
            {"channel": "disjoint", "channel.segments": 3, "channel.mixes": "all", "channel.shared": True},
            "a shared weight needs equal segments, but width 8 is no multiple of 3",
        ),
        (
            {"width": 9, "channel.mixes": "all", "channel.shared": True, "channel.operator": "conv3d"},
            "conv3d on overlapping segments gives each half of the channels, but width 9 is odd",
        ),
    ],
)
def test_a_config_that_makes_no_model_says_why(change: Candidate, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build({**FAMILY.tiny, **change}, Problem())
    assert caught.value.message == f"splitmixer: {message}"


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"width must .*; activation must .*; kernel_size must be odd"):
        SplitMixerConfig(width=-1, activation="tanh", kernel_size=2)


def test_an_unknown_axis_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"splitmixer has no axis widht") as caught:
        build({"widht": 8}, Problem())
    assert "width, depth" in caught.value.hint


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem(task="segmentation"), "splitmixer classifies images; the task is segmentation"),
        (Problem(height=1), "patch_size 2 is larger than the image, 1x32"),
        (Problem(num_classes=0), "at least one input channel and one class, got 3 and 0"),
    ],
)
def test_a_problem_that_the_model_cannot_do_is_refused(problem: Problem, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(FAMILY.tiny, problem)


# ---------------------------------------------------------------------------------------------------------- blocks


def test_uneven_segments_are_mixed_in_turn_and_the_last_takes_the_rest() -> None:
    model = SplitMixer(SplitMixerConfig(width=11, depth=5, channel="disjoint", segments=3), Problem())
    mixers = [block.get_submodule("channel") for block in model.blocks]
    assert [(m.sizes, m.mixed) for m in mixers if isinstance(m, Segments)] == [([3, 3, 5], [i % 3]) for i in range(5)]


def test_overlapping_segments_take_turns_at_both_ends() -> None:
    model = SplitMixer(SplitMixerConfig(width=9, depth=3, channel="overlap"), Problem())
    mixers = [block.get_submodule("channel") for block in model.blocks]
    assert [(m.sizes, m.mixed) for m in mixers if isinstance(m, Segments)] == [
        ([6, 3], [0]),
        ([3, 6], [1]),
        ([6, 3], [0]),
    ]


def test_channels_that_a_block_does_not_mix_pass_unchanged() -> None:
    layer, x = Segments([3, 5, 2], [1]), torch.randn(2, 10, 4, 4)
    y = layer(x)
    assert torch.equal(y[:, :3], x[:, :3]) and torch.equal(y[:, 8:], x[:, 8:])
    torch.testing.assert_close(y[:, 3:8], layer.convolutions[0](x[:, 3:8]))


def test_equal_segments_at_once_equal_one_after_another() -> None:
    layer, x = Segments([4, 4, 4], [0, 1, 2]), torch.randn(2, 12, 3, 5)
    parts = [convolution(part) for convolution, part in zip(layer.convolutions, torch.split(x, 4, dim=1), strict=True)]
    torch.testing.assert_close(layer(x), torch.cat(parts, dim=1))


def test_a_shared_weight_does_to_each_segment_what_it_does_to_one() -> None:
    layer, x = SharedSegments(12, 3), torch.randn(2, 12, 3, 5)
    torch.testing.assert_close(layer(x), torch.cat([layer.convolution(p) for p in torch.split(x, 4, dim=1)], dim=1))


@pytest.mark.parametrize("shared", [False, True])
def test_overlapping_segments_are_mixed_one_after_the_other(shared: bool) -> None:
    layer, x = OverlappingSegments(9, 6, shared), torch.randn(2, 9, 3, 5)
    first, last = layer.convolutions[0], layer.convolutions[-1]
    expected = x.clone()
    expected[:, :6] = first(expected[:, :6])
    expected[:, 3:] = last(expected[:, 3:].clone())
    assert (first is last) == shared
    torch.testing.assert_close(layer(x), expected)


# ------------------------------------------------------------------------------------------------------------ timm


def test_timms_convmixer_is_ours_under_a_weight_mapping() -> None:
    convmixer = pytest.importorskip("timm.models.convmixer", reason="timm is not installed")
    theirs = convmixer.ConvMixer(
        dim=12, depth=2, kernel_size=5, patch_size=2, num_classes=7, act_layer=torch.nn.GELU
    ).eval()
    with torch.no_grad():
        for buffer in theirs.buffers():  # statistics of their own, so that the norms are no identities
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
    axes: Candidate = {"width": 12, "depth": 2, "kernel_size": 5, "patch_size": 2, "spatial": "depthwise"}
    ours = build(axes, Problem(num_classes=7)).eval()
    weights, names = theirs.state_dict(), list(ours.state_dict())
    assert len(weights) == len(names)  # both hold the layers in the order in which they run
    ours.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(ours(x), theirs(x))
