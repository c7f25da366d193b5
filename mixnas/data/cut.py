"""What a reader of a data set gives, and how a share of it is cut off: class by class, or in whole groups."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Images: TypeAlias = npt.NDArray[np.uint8]
"""`[N, C, H, W]`, 0 to 255."""

Labels: TypeAlias = npt.NDArray[np.int64]
"""`[N]`"""

Maps: TypeAlias = npt.NDArray[np.uint8]
"""Targets that are images: classes `[N, H, W]`, or what super-resolution should give, `[N, C, 2H, 2W]`."""

IGNORE = 255
"""The class of pixels that have none; neither the loss nor the metrics read them."""


class Examples(NamedTuple):
    """One part of a data set as its reader gives it."""

    images: Images
    targets: Labels | Maps
    groups: Labels | None = None
    """`[N]`: examples of the same group share a source and stay on the same side of a cut. None: each is its own."""


TEST_SEED = 0
TEST_SHARE = 0.2
"""Where no official test part exists, it is cut with these, whatever the study's seed."""


def stratified(labels: Labels, share: float, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Two sorted index lists, `(kept, cut)`, without overlap; `cut` holds the share of every class, rounded.

    A class with at least two images has at least one on either side.
    """
    # The stream of RandomState never changes between versions of numpy; that of a Generator may (NEP 19).
    rng = np.random.RandomState(seed % 2**32)
    cut: list[npt.NDArray[np.int64]] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        size = min(max(round(share * len(members)), 1), len(members) - 1)
        cut.append(members[:size])
    chosen = np.sort(np.concatenate(cut))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def in_groups(groups: Labels, share: float, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Two sorted index lists, `(kept, cut)`; `cut` holds that share of the groups, rounded, each of them whole.

    With at least two groups, at least one is on either side.
    """
    rng = np.random.RandomState(seed % 2**32)
    names = rng.permutation(np.unique(groups))
    size = min(max(round(share * len(names)), 1), len(names) - 1)
    inside = np.isin(groups, names[:size])
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def embedded_part(part: str, images: Images, labels: Labels) -> tuple[Images, Labels]:
    """The part `"search"` or `"test"` of a data set that has no official test part."""
    kept, cut = stratified(labels, TEST_SHARE, TEST_SEED)
    index = cut if part == "test" else kept
    return images[index], labels[index]
