"""Gray images from coloured ones."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # BT.601, full range: what Pillow and OpenCV read a file as gray with


def gray_of(images: Tensor) -> Tensor:
    """[..., 3, H, W] in [0, 1] → [..., 1, H, W], rounded to 8 bits as a gray file is; gray images stay as they are."""
    if images.shape[-3] == 1:
        return images
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device).view(3, 1, 1)
    return (images * weights).sum(dim=-3, keepdim=True).mul_(255).round_().div_(255)
