"""Parallel-beam tomography of square images: projection and filtered back-projection, batched.

Both are the equations of scikit-image's `radon` and `iradon` (ramp filter, linear interpolation, inside the circle).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def angles(count: int) -> Tensor:
    """`count` directions over half a turn, in radians, float64 [count]."""
    return torch.arange(count, dtype=torch.float64) * (math.pi / count)


def project(images: Tensor, directions: Tensor) -> Tensor:
    """Line integrals, in pixels, of float [N, S, S]: sinograms [N, S, directions].

    Args:
        images: 0 outside of the inscribed circle.
        directions: radians, [A].
    """
    side = images.shape[-1]
    centre = side // 2
    line = torch.arange(side, dtype=images.dtype) - centre
    down, right = torch.meshgrid(line, line, indexing="ij")
    sinograms = []
    for angle in directions.tolist():
        x = math.cos(angle) * right + math.sin(angle) * down + centre
        y = math.cos(angle) * down - math.sin(angle) * right + centre
        # grid_sample counts from -1 at the first pixel's centre to 1 at the last one's.
        grid = torch.stack((x, y), dim=-1).mul(2 / (side - 1)).sub(1).unsqueeze(0)
        turned = F.grid_sample(images.unsqueeze(0), grid, padding_mode="zeros", align_corners=True)
        sinograms.append(turned[0].sum(dim=1))
    return torch.stack(sinograms, dim=-1)


def back_project(sinograms: Tensor, directions: Tensor) -> Tensor:
    """Filtered back-projection of sinograms [N, S, A] over half a turn: images [N, S, S], 0 outside of the circle."""
    count, side, _ = sinograms.shape
    # The ramp filter reaches beyond the detector: its tails are kept on the image's diagonal.
    wide = math.ceil(math.sqrt(2) * side)
    before = wide // 2 - side // 2
    padded = max(64, 2 ** math.ceil(math.log2(2 * wide)))
    spread = F.pad(sinograms, (0, 0, before, padded - side - before))
    spectrum = torch.fft.fft(spread, dim=1) * _ramp(padded, sinograms.dtype)[None, :, None]
    filtered = torch.fft.ifft(spectrum, dim=1).real[:, :wide].permute(2, 1, 0).contiguous()  # [A, wide, N]
    line = torch.arange(side, dtype=sinograms.dtype) - side // 2
    down, right = torch.meshgrid(line, line, indexing="ij")
    total = torch.zeros(side * side, count, dtype=sinograms.dtype)
    for column, angle in zip(filtered, directions.tolist(), strict=True):
        place = (right * math.cos(angle) - down * math.sin(angle) + wide // 2).flatten()
        low = place.floor().long().clamp(0, wide - 2)
        share = (place - low).unsqueeze(1)
        total += torch.lerp(column[low], column[low + 1], share)
    inside = (down.square() + right.square() <= (side // 2) ** 2).flatten().unsqueeze(1)
    images = torch.where(inside, total, 0.0) * (math.pi / (2 * len(directions)))
    return images.T.reshape(count, side, side)


def _ramp(size: int, dtype: torch.dtype) -> Tensor:
    """The ramp filter from its kernel in space, which keeps the mean right (Kak and Slaney 1988, eq. 3.61)."""
    kernel = torch.zeros(size, dtype=torch.float64)
    kernel[0] = 0.25
    odd = torch.arange(1, size // 2 + 1, 2, dtype=torch.float64)
    kernel[1::2] = -1 / (math.pi * torch.cat((odd, odd.flip(0)))) ** 2
    ramp: Tensor = 2 * torch.fft.fft(kernel).real.to(dtype)
    return ramp
