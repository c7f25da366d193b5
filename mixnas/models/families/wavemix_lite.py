"""The record of WaveMix-Lite (arXiv:2203.03689). The model is in `mixnas.models.wavemix_lite`."""

from __future__ import annotations

from mixnas.models.family import Family, later
from mixnas.models.wavemix_costs import DEFAULTS, macs, macs_thop, params, transform_macs
from mixnas.models.wavemix_named import NAMED

FAMILY = Family(
    name="wavemix_lite",
    source="arXiv:2205.14375",
    summary="Token mixing by a wavelet pyramid; classification, segmentation and super-resolution",
    build=later("mixnas.models.wavemix_lite:build"),
    params=params,
    macs=macs,
    macs_thop=macs_thop,
    macs_unseen=transform_macs,
    defaults=DEFAULTS,
    kind=lambda axes, block: 0,
    tiny={
        "width": 8,
        "depth": 2,
        "levels": 2,
        "wavelet": "haar",
        "mult": 2,
        "dropout": 0.1,
        "stem": "strided",
        "stem.stride": 1,
        "upsample": "deconv",
        "upsample.ff_ratio": "1/2",
    },
    tasks=("classification", "segmentation", "super_resolution"),
    named=NAMED,
)
