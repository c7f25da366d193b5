"""What halves the sides in a WaveMix block: the wavelet transform, or what an ablation puts in its place.

A replacement keeps every shape of the block around it, so that only the transform differs: `[B, C, H, W]` to one tensor
`[B, width, h, w]` a level, finest first, odd sides padded with zeros at the end as in the wavelet transform.

| transform | reads | a level is |
| --- | --- | --- |
| dwt | width / 4 channels | four bands of each channel, by fixed filters of the wavelet |
| strided_conv | width / 4 channels | four bands of each channel, by learned 2x2 filters; Haar is one choice of them |
| average_pool | width channels | the mean of 2x2 pixels of each channel: no detail bands, as many channels |
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from mixnas.models.wavelet import WaveletPyramid, filter_length

TRANSFORMS = ("dwt", "average_pool", "strided_conv")


def transform_pyramid(transform: str, wavelet: str, width: int, levels: int) -> nn.Module:
    """The pyramid of a block: a module from `[B, reduced_width(transform, width), H, W]` to a tuple of levels."""
    if transform == "average_pool":
        return AveragePyramid(levels)
    if transform == "strided_conv":
        return ConvolutionPyramid(width // 4, levels)
    return WaveletPyramid(wavelet, levels)


def reduced_width(transform: str, width: int) -> int:
    """Channels that the pyramid reads: a quarter of the width where it makes four bands of each."""
    return width if transform == "average_pool" else width // 4


def taps(transform: str, wavelet: str) -> int:
    """Pixels that a filter of the transform sees along a side; the wavelet is read where the transform is one."""
    return filter_length(wavelet) if transform == "dwt" else 2


class AveragePyramid(nn.Module):
    """Level `l + 1` averages 2x2 pixels of level `l`: the approximations of Haar, halved."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        pyramid: list[Tensor] = []
        for _ in range(self.levels):
            x = F.avg_pool2d(_even(x), 2)
            pyramid.append(x)
        return tuple(pyramid)


class ConvolutionPyramid(nn.Module):
    """Every level by four learned 2x2 filters of each channel. Level `l + 1` reads the first band of each in level `l`.

    One depthwise convolution of stride 2 a level, without bias: what Haar does with fixed filters.
    """

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Conv2d(channels, 4 * channels, 2, stride=2, groups=channels, bias=False) for _ in range(levels)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        pyramid: list[Tensor] = []
        for level in self.levels:
            pyramid.append(level(_even(x)))
            x = pyramid[-1][:, 0::4]
        return tuple(pyramid)


def _even(x: Tensor) -> Tensor:
    """`x` with a row and a column of zeros added at the end where a side is odd."""
    height, width = cast(tuple[int, int], x.shape[-2:])
    return F.pad(x, (0, width % 2, 0, height % 2)) if height % 2 or width % 2 else x
