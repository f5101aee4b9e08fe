"""Random squares inside the images of a batch."""

from __future__ import annotations

import torch
from torch import Tensor


def random_rectangle(side: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A square for each image, its centre anywhere, cut at the border; int64 [B, 4] as (y0, x0, y1, x1).

    Args:
        side: of the square, as a share of the image's side, [B] in [0, 1].
        size: of the images, in pixels.
    """
    center = torch.rand(len(side), 2, generator=generator, device=generator.device) * size
    half = (side * size / 2)[:, None]
    corners = torch.cat((center - half, center + half), dim=1)
    return corners.round().long().clamp(0, size)


def rectangle_mask(rectangle: Tensor, size: int) -> Tensor:
    """Where the rectangles lie, bool [B, size, size]."""
    line = torch.arange(size, device=rectangle.device)
    y0, x0, y1, x1 = rectangle.T[:, :, None]
    rows, columns = (line >= y0) & (line < y1), (line >= x0) & (line < x1)
    mask: Tensor = rows[:, :, None] & columns[:, None, :]
    return mask
