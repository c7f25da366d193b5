"""The record of the hybrid of SplitMixer and WaveMix. The model is in `mixnas.models.hybrid`."""

from __future__ import annotations

from mixnas.models.family import Family, later
from mixnas.models.hybrid_costs import DEFAULTS, macs, macs_thop, params, transform_macs
from mixnas.models.hybrid_kinds import kind

FAMILY = Family(
    name="hybrid",
    source="arXiv:2205.14375",
    summary="SplitMixer and WaveMix crossed: wavelet or split token mixing with segments or feed-forward",
    build=later("mixnas.models.hybrid:build"),
    params=params,
    macs=macs,
    macs_thop=macs_thop,
    macs_unseen=transform_macs,
    defaults=DEFAULTS,
    kind=kind,
    tiny={
        "width": 8,
        "depth": 4,
        "stem": "patches",
        "stem.patch_size": 2,
        "token": "wavelet_then_split",
        "token.early": "1/2",
        "token.levels": 2,
        "token.kernel_size": 3,
        "channel": "segments_then_feedforward",
        "channel.early": "3/4",
        "channel.split": "disjoint",
        "channel.split.segments": 2,
        "channel.dropout": 0.1,
    },
    tasks=("classification", "segmentation", "super_resolution"),
)
