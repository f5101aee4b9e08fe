"""PSNR and SSIM as the restoration literature computes them: clipped and rounded to 8 bits, per image."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Channel = Literal["rgb", "y", "gray"]

MAX_PSNR = 100.0  # dB, reported for identical images, so that means and charts stay finite
WINDOW, SIGMA = 11, 1.5
BLOCK = 48  # neighbouring positions that one product covers
CACHED = 32_768  # values that are compared at once on a CPU
BAND = 524_288  # values of a large image that are compared at once anywhere
_C1, _C2 = 0.01**2, 0.03**2
_BT601 = (65.481, 128.553, 24.966)


def psnr(output: Tensor, target: Tensor, *, channel: Channel = "rgb", shave: int = 0) -> Tensor:
    """Peak signal-to-noise ratio of each image in dB, float64 [B], at most `MAX_PSNR`.

    Args:
        output, target: [B, C, H, W] in [0, 1]; both are clipped and rounded to 8 bits.
        channel: `rgb` and `gray` take all channels as they are, `y` the luma of BT.601 (16–235, not rounded).
        shave: pixels cut from every side.

    Raises:
        ValueError: shapes differ, channels do not fit, or shaving leaves nothing.
    """
    x, y = _planes(output, target, channel, shave)
    error = (x - y).square().mean(dim=(1, 2, 3), dtype=torch.float64)
    return (-10 * torch.log10(error / 255**2)).clamp(max=MAX_PSNR)


def ssim(output: Tensor, target: Tensor, *, channel: Channel = "rgb", shave: int = 0) -> Tensor:
    """Structural similarity of each image, float64 [B] in [-1, 1], averaged over channels.

    Gaussian window of 11 pixels with σ 1.5, valid region only, K .01 and .03, population covariance
    (Wang et al., IEEE TIP 2004). Arguments as in `psnr`.

    Raises:
        ValueError: as `psnr`, or the image is smaller than the window.
    """
    x, y = _planes(output, target, channel, shave)
    if min(x.shape[-2:]) < WINDOW:
        raise ValueError(
            f"SSIM needs at least {WINDOW} pixels a side after shaving, got {tuple(x.shape[-2:])}"
        )
    # A few images at a time stay in the processor's cache.
    at_once = max(1, CACHED // x[0].numel()) if x.device.type == "cpu" else len(x)
    starts = range(0, len(x), at_once)
    return torch.cat([_quality(x[i : i + at_once], y[i : i + at_once]) for i in starts])


def _quality(x: Tensor, y: Tensor) -> Tensor:
    """The mean over all valid positions, a band of rows at a time, so that large images need no more memory."""
    height, width = (side - WINDOW + 1 for side in x.shape[-2:])
    rows = max(1, BAND // x[..., 0, :].numel() // BLOCK) * BLOCK
    bands = [slice(start, start + rows + WINDOW - 1) for start in range(0, height, rows)]
    total = torch.stack([_map(x[..., band, :], y[..., band, :]).sum(dim=(1, 2, 3)) for band in bands]).sum(0)
    return total / (x.shape[1] * height * width)


def _map(x: Tensor, y: Tensor) -> Tensor:
    """SSIM at every valid position, [B, C, H − 10, W − 10]."""
    x, y = x.double() / 255, y.double() / 255
    mean_x, mean_y, power, product = _blur(torch.stack((x, y, x * x + y * y, x * y)))
    means, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    luminance = (2 * means + _C1) / (squares + _C1)
    structure = (2 * (product - means) + _C2) / (power - squares + _C2)
    quality: Tensor = luminance * structure
    return quality


def _planes(output: Tensor, target: Tensor, channel: Channel, shave: int) -> tuple[Tensor, Tensor]:
    if output.shape != target.shape or output.ndim != 4:
        raise ValueError(
            f"expected two equal [B, C, H, W], got {tuple(output.shape)} and {tuple(target.shape)}"
        )
    if 2 * shave >= min(output.shape[-2:]):
        raise ValueError(f"shaving {shave} pixels leaves nothing of {tuple(output.shape[-2:])}")
    return _plane(output, channel, shave), _plane(target, channel, shave)


def _plane(images: Tensor, channel: Channel, shave: int) -> Tensor:
    """The channels to compare, in 0–255: whole numbers (exact in float32), or luma in float64."""
    channels = images.shape[1]
    if channels not in (1, 3) or (channel == "gray" and channels != 1):
        raise ValueError(f"channel {channel!r} does not fit images of {channels} channels")
    height, width = images.shape[-2:]
    images = images.detach()[..., shave : height - shave, shave : width - shave]
    if images.device.type == "mps":  # has no float64
        images = images.cpu()
    images = (images.float().clamp(0, 1) * 255).round()
    if channel == "y" and channels == 3:
        weights = torch.tensor(_BT601, dtype=torch.float64, device=images.device).view(1, 3, 1, 1) / 255
        images = (images.double() * weights).sum(dim=1, keepdim=True) + 16
    return images


def _blur(planes: Tensor) -> Tensor:
    """The window's mean at every valid position, [..., H, W] → [..., H − 10, W − 10]."""
    # Products with banded matrices, a block of positions at a time: several times faster in float64 than a convolution.
    height, width = (side - WINDOW + 1 for side in planes.shape[-2:])
    rows = [
        _window(count).to(planes.device) @ planes[..., start : start + count + WINDOW - 1, :]
        for start, count in _blocks(height)
    ]
    lines = torch.cat(rows, dim=-2) if len(rows) > 1 else rows[0]
    columns = [
        lines[..., start : start + count + WINDOW - 1] @ _window(count).to(planes.device).T
        for start, count in _blocks(width)
    ]
    return torch.cat(columns, dim=-1) if len(columns) > 1 else columns[0]


def _blocks(positions: int) -> list[tuple[int, int]]:
    """(start, count) of blocks of at most `BLOCK` positions, all but the last of them full."""
    return [(start, min(BLOCK, positions - start)) for start in range(0, positions, BLOCK)]


@lru_cache(maxsize=64)
def _window(count: int) -> Tensor:
    """The Gaussian window at `count` neighbouring positions, [count, count + 10]."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    kernel = torch.exp(-offsets.square() / (2 * SIGMA**2))
    kernel /= kernel.sum()
    matrix = torch.zeros(count, count + WINDOW - 1, dtype=torch.float64)
    for start in range(count):
        matrix[start, start : start + WINDOW] = kernel
    return matrix
