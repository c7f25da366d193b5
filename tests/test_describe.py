"""Short texts for architectures and numbers."""

from __future__ import annotations

import math

import pytest

from mixnas.describe import describe, format_bytes, format_value, heading, short_number

OVERLAP = {
    "width": 64, "depth": 4, "patch_size": 2, "kernel_size": 5, "activation": "gelu", "norm": "batch",
    "spatial": "separable", "channel": "overlap", "channel.mixes": "one", "channel.shared": False,
    "channel.operator": "pointwise", "channel.ratio": "2/3",
}  # fmt: skip


def test_describe_says_what_differs_and_leaves_out_what_is_common() -> None:
    assert describe(OVERLAP) == "width 64 · depth 4 · patch 2 · kernel 5 · separable · overlap one 2/3"


@pytest.mark.parametrize(
    ("axes", "text"),
    [
        ({}, ""),
        ({"channel": "disjoint", "channel.segments": 3, "channel.shared": True}, "disjoint 3 segments shared"),
        ({"activation": "relu", "norm": "layer"}, "relu · layer"),
        ({"dropout": 0.25, "levels": 3}, "dropout 0.25 · 3 levels"),
        ({"early.channel": "overlap", "late.ff_width": 32}, "early overlap · late ff width 32"),
    ],
)
def test_describe_other_axes(axes: dict[str, object], text: str) -> None:
    assert describe(axes) == text  # type: ignore[arg-type]


def test_format_value_is_exact_in_tables_and_short_in_the_live_view() -> None:
    assert format_value("params", 12345) == "12,345"
    assert format_value("params", 12345, short=True) == "12.3k"
    assert format_value("macs", 1_234_567, short=True) == "1.23M"
    assert format_value("acc", 0.97216) == format_value("acc", 0.97216, short=True) == "0.9722"
    assert format_value("train_seconds", 12.3456) == "12.35"
    assert format_value("acc", math.nan) == "–"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (950, "950"), (999.9, "1k"), (999_700, "1M"), (2e9, "2G")])
def test_short_number(value: float, text: str) -> None:
    assert short_number(value) == text


def test_heading_carries_the_unit() -> None:
    assert [heading(n) for n in ("acc", "params", "train_seconds", "other")] == [
        "acc", "params", "train_seconds [s]", "other"]  # fmt: skip


def test_bytes_never_have_an_exponent() -> None:
    assert [format_bytes(v * 1024) for v in (999.4, 999.6, 1000.2, 1022, 1024)] == [
        "999 KiB",
        "1,000 KiB",
        "1,000 KiB",
        "1,022 KiB",
        "1 MiB",
    ]


def test_ratios_of_more_than_one_thing_are_named_and_one_is_singular() -> None:
    mixer = {"patch_size": 4, "token_ratio": "1/4", "channel_ratio": "2"}
    assert describe(mixer) == "patch 4 · token 1/4 · channel 2"
    assert describe({"levels": 1, "channel": "disjoint", "channel.segments": 2}) == "1 level · disjoint 2 segments"
