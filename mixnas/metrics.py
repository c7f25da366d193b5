"""Metrics of segmentation and super-resolution, from their definitions. What they need is added up over batches."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from mixnas.data.cut import IGNORE

LEAST_ERROR = 1e-10
"""A smaller mean squared error counts as this one: a perfect image has 100 dB, not infinitely many."""

WINDOW, SIGMA = 11, 1.5
"""Of the Gaussian window of the structural similarity, in pixels."""

STABILITY = (0.01**2, 0.03**2)
"""What keeps its quotients finite, for pixel values in 0..1."""


def confusion(predicted: Tensor, targets: Tensor, num_classes: int) -> Tensor:
    """Counts `[true class, predicted class]` over all pixels that have a class; float64.

    Both hold classes and have the same shape.
    """
    known = targets != IGNORE
    pairs = targets[known].long() * num_classes + predicted[known].long()
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes).double()


def mean_iou(counts: Tensor) -> float:
    """The mean over classes of intersection over union, from a confusion matrix of the whole part.

    Classes that are neither in the targets nor predicted are left out; NaN where no pixel has a class
    (Everingham et al. 2015, doi:10.1007/s11263-014-0733-5, section 4.3).
    """
    hits = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - hits
    return float((hits / union)[union > 0].mean())


def pixel_accuracy(counts: Tensor) -> float:
    """Share of the pixels with a class that were given it; NaN where there is none."""
    return float(counts.diagonal().sum() / counts.sum())


def psnr(images: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image in dB, at most 100, over all its channels.

    Both are `[B, C, H, W]` with values in 0..1; the result is `[B]`.
    """
    error = (images - truth).square().mean((1, 2, 3)).clamp(min=LEAST_ERROR)
    return -10 / math.log(10) * error.log()


def ssim(images: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity of each image: the mean over its channels and pixels, the window around each of them.

    Both are `[B, C, H, W]` with values in 0..1; the result is `[B]`. Beyond the border the image is mirrored, as in
    torchmetrics; the window is smaller on images that it does not fit (Wang et al. 2004, doi:10.1109/TIP.2003.819861).
    """
    planes = torch.stack([images, truth, images * images, truth * truth, images * truth]).flatten(0, 2).unsqueeze(1)
    for dimension in (2, 3):
        kernel = _gaussian(planes, dimension)
        reach = kernel.numel() // 2
        padding = (0, 0, reach, reach) if dimension == 2 else (reach, reach, 0, 0)
        planes = F.conv2d(F.pad(planes, padding, mode="reflect"), kernel)
    a, b, aa, bb, ab = planes.view(5, *images.shape)
    first, second = STABILITY
    likeness = (2 * a * b + first) * (2 * (ab - a * b) + second)
    scale = (a * a + b * b + first) * (aa - a * a + bb - b * b + second)
    return cast(Tensor, (likeness / scale).mean((1, 2, 3)))


def _gaussian(planes: Tensor, dimension: int) -> Tensor:
    """The window along one dimension, as a kernel of a convolution."""
    size = min(WINDOW, 2 * planes.shape[dimension] - 1)
    offsets = torch.arange(size, dtype=planes.dtype, device=planes.device) - (size - 1) / 2
    weights = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    shape = (1, 1, size, 1) if dimension == 2 else (1, 1, 1, size)
    return (weights / weights.sum()).view(shape)
