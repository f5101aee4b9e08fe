"""Padding images to the sides that a network works on."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def mirrored(images: Tensor, multiple: int) -> Tensor:
    """[B, C, H, W] with the right and the lower edge mirrored until both sides are multiples of `multiple`.

    An image smaller than what it lacks is mirrored again and again; a side of one pixel is repeated.
    """
    for axis in (-1, -2):
        while lacks := -images.shape[axis] % multiple:
            side = images.shape[axis]
            step = min(lacks, max(side - 1, 1))
            edges = (0, step, 0, 0) if axis == -1 else (0, 0, 0, step)
            images = F.pad(images, edges, mode="reflect" if side > 1 else "replicate")
    return images
