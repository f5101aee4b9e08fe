"""What a degradation did to an image: how much, how fine, and where."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.resize import bicubic_upsample
from kdexplorer.distillation.method import full_precision

WINDOW = 5  # pixels over which a residual is averaged: what changes sign within it is fine


def residual(image: Tensor, target: Tensor) -> Tensor:
    """target − input, enlarged to the target's size: [B, C, h, w], [B, C, H, W] → [B, C, H, W]."""
    image, target = full_precision(image), full_precision(target)
    scale = target.shape[-1] // image.shape[-1]
    return target - (bicubic_upsample(image, scale) if scale > 1 else image)


def kind_and_strength(difference: Tensor) -> tuple[Tensor, Tensor]:
    """How fine a residual [B, C, H, W] is, and how strong, each [B].

    Fine is the share of its energy that a mean over 5 × 5 pixels takes away: near 1 for noise, near 0 for haze.
    Strong is its root mean square, in grey levels of 255.
    """
    coarse = F.avg_pool2d(difference, WINDOW, 1, WINDOW // 2, count_include_pad=False)
    energy = difference.square().mean(dim=(1, 2, 3))
    fine = (difference - coarse).square().mean(dim=(1, 2, 3)) / energy.clamp(min=1e-12)
    return fine.clamp(0, 1), 255 * energy.sqrt()


def artifact_region(difference: Tensor, size: tuple[int, int]) -> Tensor:
    """Where a residual [B, C, H, W] is large, as weights [B, h, w] of mean 1 (all 1 where there is none)."""
    strength = difference.abs().mean(dim=1, keepdim=True)
    region = F.adaptive_avg_pool2d(strength, size).squeeze(1)
    mean = region.mean(dim=(1, 2), keepdim=True)
    return torch.where(mean > 1e-6, region / mean.clamp(min=1e-6), torch.ones_like(region))
