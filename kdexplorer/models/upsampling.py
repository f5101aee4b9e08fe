"""Bicubic upsampling, the baseline that super-resolution networks start from."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def bicubic(images: Tensor, scale: int) -> Tensor:
    """Enlarge [B, C, H, W] `scale` times, with the kernel of MATLAB and Pillow (a = −0.5)."""
    if scale == 1:
        return images
    # torch's kernel has a = −0.75 unless antialiasing is on, which changes nothing else when enlarging
    large = F.interpolate(
        images.float(), scale_factor=scale, mode="bicubic", antialias=True, align_corners=False
    )
    return large.to(images.dtype)


def silence(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Set a last layer to zero, so that a network with a skip starts as the skip alone."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def scale_problem(scale: int) -> str | None:
    """Why a network that upsamples 1 to 4 times does not fit, or None."""
    if scale in (1, 2, 3, 4):
        return None
    return f"it enlarges 1, 2, 3 or 4 times, not {scale}: choose another scale."


def same_size_problem(scale: int) -> str | None:
    """Why a network that keeps the size does not fit, or None."""
    if scale == 1:
        return None
    return "it does not enlarge: choose ESPCN, FSRCNN or EDSR for super-resolution."
