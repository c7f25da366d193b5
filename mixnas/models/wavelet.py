"""The two-dimensional discrete wavelet transform of WaveMix blocks, with one pass over the pyramid for all levels.

Every level is one tensor `[B, 4*C, h, w]`: the `C` approximations, then the detail bands channel by channel (top minus
bottom, left minus right, diagonal), as the blocks of arXiv:2205.14375 read them. Level `l + 1` transforms the
approximations of level `l`. Sides that are odd are padded with a zero at the end, which is what pytorch-wavelets does.

Haar is native: additions of slices, and a backward pass that is the inverse transform, because the Haar matrix is
orthonormal. Any other wavelet goes through pytorch-wavelets.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mixnas.errors import UnknownName

HAAR = ("haar", "db1")
"""The two names of the wavelet that has a native transform."""


def haar_pyramid(x: Tensor, levels: int) -> tuple[Tensor, ...]:
    """Haar transform of `x [B, C, H, W]`: one tensor `[B, 4*C, h, w]` a level, finest first.

    Each level halves the sides, rounding up. Equal to `pytorch_wavelets.DWTForward(wave="haar", mode="zero")`.
    """
    if torch.compiler.is_compiling():  # export writes out what is inside HaarTransform, which does not differentiate
        return _pyramid(x, levels, _split_by_slices)
    return cast(tuple[Tensor, ...], HaarTransform.apply(x, levels))


class WaveletPyramid(nn.Module):
    """`[B, C, H, W]` to one tensor `[B, 4*C, h, w]` a level, finest first. It has no weights and no state.

    Raises:
        UnknownName: PyWavelets has no discrete wavelet of that name.
    """

    low_columns: Tensor
    high_columns: Tensor
    low_rows: Tensor
    high_rows: Tensor

    def __init__(self, wavelet: str, levels: int) -> None:
        super().__init__()
        self.wavelet = wavelet
        self.levels = levels
        self.length = filter_length(wavelet)
        if wavelet not in HAAR:
            for name, taps in _filters(wavelet).items():
                self.register_buffer(name, taps, persistent=False)  # the name of the wavelet says it all

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        if self.wavelet in HAAR:
            return haar_pyramid(x, self.levels)
        return _pyramid(x, self.levels, self._transform)

    def _transform(self, x: Tensor) -> Tensor:
        """One level by pytorch-wavelets. Its backward pass cannot mix types, so autocast is off inside."""
        taps = (self.low_rows, self.high_rows, self.low_columns, self.high_columns)
        with torch.autocast(x.device.type, enabled=False):
            bands = _lowlevel().AFB2D.apply(x.to(self.low_rows.dtype), *taps, 0)
        low, high = bands
        return torch.cat([low, high.flatten(1, 2)], dim=1).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.wavelet!r}, levels={self.levels}"


def filter_length(wavelet: str) -> int:
    """Taps of the analysis filters: 2 for Haar, 4 for db2.

    Raises:
        UnknownName: PyWavelets has no discrete wavelet of that name.
    """
    return 2 if wavelet in HAAR else int(_discrete_wavelet(wavelet).dec_len)


def output_size(size: Any, length: int) -> Any:
    """Side of a level from the side before it, on ints and on numpy arrays. With Haar: half, rounded up."""
    return (size + length - 1) // 2


def wavelet_macs(height: Any, width: Any, channels: Any, levels: int, length: int = 2) -> Any:
    """Multiply-accumulates of a pyramid on `[channels, height, width]`, on ints and on numpy arrays.

    Counted as separable filters of `length` taps, rows first: two filters along the width, then two along the height of
    both results. No counter sees them, because the transform is one custom operation.
    """
    total = height * 0
    for _ in range(levels):
        half = output_size(width, length)
        total = total + channels * length * half * (2 * height + 4 * output_size(height, length))
        height, width = output_size(height, length), half
    return total


def _pyramid(x: Tensor, levels: int, transform: Callable[[Tensor], Tensor]) -> tuple[Tensor, ...]:
    """Every level by `transform`, which turns `[B, C, H, W]` into `[B, 4*C, h, w]`."""
    pyramid: list[Tensor] = []
    for _ in range(levels):
        pyramid.append(transform(x))
        x = pyramid[-1][:, : x.shape[1]]
    return tuple(pyramid)


class HaarTransform(torch.autograd.Function):
    """Image to pyramid. The transform is orthonormal, so its gradient is the synthesis."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, levels: int) -> tuple[Tensor, ...]:
        ctx.size = x.shape[-2:]
        return _pyramid(x, levels, _split)

    @staticmethod
    def backward(ctx: Any, *pyramid: Tensor) -> tuple[Tensor, None]:
        return cast(Tensor, HaarInverse.apply(ctx.size, *pyramid)), None


class HaarInverse(torch.autograd.Function):
    """Pyramid to image of `size`: the adjoint of `HaarTransform`, and the other way round."""

    @staticmethod
    def forward(ctx: Any, size: torch.Size, *pyramid: Tensor) -> Tensor:
        ctx.levels = len(pyramid)
        sizes = [size, *(level.shape[-2:] for level in pyramid)]
        channels = pyramid[0].shape[1] // 4
        image: Tensor | None = None
        for level, (height, width) in zip(reversed(pyramid), reversed(sizes[:-1]), strict=True):
            low = level[:, :channels] if image is None else level[:, :channels] + image
            image = _join(low, level[:, channels:])[..., :height, :width]
        return cast(Tensor, image)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        return None, *HaarTransform.apply(gradient, ctx.levels)


def _split(x: Tensor) -> Tensor:
    """One level: `[B, C, H, W]` to `[B, 4*C, ceil(H/2), ceil(W/2)]`.

    The results are written straight into their places of one tensor: concatenating them would be another pass.
    """
    x = _even(x)
    channels = x.shape[1]
    left, right = x[..., 0::2], x[..., 1::2]
    mean, change = (left + right).mul_(0.5), (left - right).mul_(0.5)
    bands = _empty_like(x, 4 * channels, mean.shape[2] // 2, mean.shape[3])
    vertical, horizontal, diagonal = _details(bands[:, channels:])
    torch.add(mean[:, :, 0::2], mean[:, :, 1::2], out=bands[:, :channels])
    torch.sub(mean[:, :, 0::2], mean[:, :, 1::2], out=vertical)
    torch.add(change[:, :, 0::2], change[:, :, 1::2], out=horizontal)
    torch.sub(change[:, :, 0::2], change[:, :, 1::2], out=diagonal)
    return bands


def _split_by_slices(x: Tensor) -> Tensor:
    """As `_split`, in operations that autograd and every exporter know."""
    x = _even(x) * 0.5
    upper, lower = x[:, :, 0::2], x[:, :, 1::2]
    mean, change = upper + lower, upper - lower
    left, right = mean[..., 0::2], mean[..., 1::2]
    change_left, change_right = change[..., 0::2], change[..., 1::2]
    details = torch.stack([change_left + change_right, left - right, change_left - change_right], dim=2)
    return torch.cat([left + right, details.flatten(1, 2)], dim=1)


def _even(x: Tensor) -> Tensor:
    """`x` with a row and a column of zeros added at the end where a side is odd."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, width % 2, 0, height % 2)) if height % 2 or width % 2 else x


def _join(low: Tensor, details: Tensor) -> Tensor:
    """The inverse of `_split`: `[B, C, h, w]` and `[B, 3*C, h, w]` to `[B, C, 2*h, 2*w]`."""
    channels, height, width = low.shape[1:]
    vertical, horizontal, diagonal = _details(details)
    mean, change = _empty_like(low, channels, 2 * height, width), _empty_like(low, channels, 2 * height, width)
    torch.add(low, vertical, out=mean[:, :, 0::2])
    torch.sub(low, vertical, out=mean[:, :, 1::2])
    torch.add(horizontal, diagonal, out=change[:, :, 0::2])
    torch.sub(horizontal, diagonal, out=change[:, :, 1::2])
    image = _empty_like(low, channels, 2 * height, 2 * width)
    torch.add(mean.mul_(0.5), change.mul_(0.5), out=image[..., 0::2])
    torch.sub(mean, change, out=image[..., 1::2])
    return image


def _empty_like(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """An empty tensor of the type and batch of `x`, with the channels innermost where they are in `x`."""
    innermost = x.stride(1) == 1 and x.shape[1] > 1
    return torch.empty(
        (x.shape[0], channels, height, width),
        dtype=x.dtype,
        device=x.device,
        memory_format=torch.channels_last if innermost else torch.contiguous_format,
    )


def _details(details: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three detail bands, each `[B, C, h, w]`, of `[B, 3*C, h, w]` in channel-major order."""
    return details[:, 0::3], details[:, 1::3], details[:, 2::3]


def _discrete_wavelet(name: str) -> Any:
    import pywt

    known = pywt.wavelist(kind="discrete")
    if name not in known:
        raise UnknownName("wavelet", name, known)
    return pywt.Wavelet(name)


@functools.cache
def _lowlevel() -> ModuleType:
    """The filter functions of pytorch-wavelets; importing it warns about pkg_resources, which no user can mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_wavelets.dwt import lowlevel
    return cast(ModuleType, lowlevel)


def _filters(wavelet: str) -> dict[str, Tensor]:
    """The analysis filters as pytorch-wavelets wants them: columns `[1, 1, L, 1]`, rows `[1, 1, 1, L]`."""
    taps = _discrete_wavelet(wavelet)
    names = ("low_columns", "high_columns", "low_rows", "high_rows")
    return dict(zip(names, _lowlevel().prep_filt_afb2d(taps.dec_lo, taps.dec_hi), strict=True))
