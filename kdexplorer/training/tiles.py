"""A restoration network on an image of any size, in tiles that overlap, so that memory stays bounded."""

from __future__ import annotations

import torch
from torch import Tensor

from kdexplorer.tasks.spec import Forward

TILE = 256  # side of what is kept of a tile, in the input
HALO = 48  # pixels around it that are computed and thrown away: more than small networks see
ALIGN = 8  # tiles begin at multiples of it: networks fold pixels into channels


def tiled(forward: Forward, image: Tensor, scale: int, *, tile: int = TILE, halo: int = HALO) -> Tensor:
    """`forward` on [1, C, H, W] → [1, C, scale·H, scale·W] on the CPU, a tile at a time, without gradients.

    Equal to the whole at once as far as no output pixel depends on inputs more than `halo` away.
    """
    height, width = image.shape[-2:]
    tile, halo = -(-tile // ALIGN) * ALIGN, -(-halo // ALIGN) * ALIGN
    result = torch.empty(1, image.shape[1], height * scale, width * scale)
    with torch.no_grad():
        for top in range(0, height, tile):
            for left in range(0, width, tile):
                bottom, right = min(top + tile, height), min(left + tile, width)
                y, x = max(0, top - halo), max(0, left - halo)
                around = image[..., y : min(bottom + halo, height), x : min(right + halo, width)]
                output = forward(around.contiguous(memory_format=torch.channels_last)).float().cpu()
                result[..., top * scale : bottom * scale, left * scale : right * scale] = output[
                    ...,
                    (top - y) * scale : (bottom - y) * scale,
                    (left - x) * scale : (right - x) * scale,
                ]
    return result
