"""Bicubic resizing with a = −0.5 and antialiasing, as Pillow and MATLAB's `imresize` do it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def bicubic_downsample(images: Tensor, scale: int) -> Tensor:
    """[B, C, H, W] → [B, C, H / scale, W / scale]; neither clipped nor rounded.

    Raises:
        ValueError: a side is not a multiple of `scale` (see `mod_crop`).
    """
    height, width = images.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"{height} × {width} cannot be divided by {scale}: use mod_crop first")
    return _resize(images, height // scale, width // scale)


def bicubic_upsample(images: Tensor, scale: int) -> Tensor:
    """[B, C, H, W] → [B, C, scale·H, scale·W]; not clipped."""
    return _resize(images, images.shape[-2] * scale, images.shape[-1] * scale)


def mod_crop(images: Tensor, scale: int) -> Tensor:
    """Cut [..., H, W] at the bottom and right to multiples of `scale`."""
    height, width = images.shape[-2:]
    return images[..., : height - height % scale, : width - width % scale]


def _resize(images: Tensor, height: int, width: int) -> Tensor:
    # Only with antialias does torch use a = −0.5 (else −0.75), also when it enlarges.
    return F.interpolate(images, size=(height, width), mode="bicubic", antialias=True)
