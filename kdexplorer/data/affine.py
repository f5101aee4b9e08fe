"""Turning and scaling a batch about its centre, each image by its own amount."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def turn_and_scale(images: Tensor, angle: Tensor, scale: Tensor) -> Tensor:
    """Resample float [B, C, S, S] bilinearly; what comes from outside is mirrored.

    Args:
        angle: radians, counter-clockwise, [B].
        scale: above 1 enlarges, [B].
    """
    cos, sin, zero = torch.cos(angle) / scale, torch.sin(angle) / scale, torch.zeros_like(angle)
    # The grid asks where each output pixel comes from, so the rotation is inverted; y points down.
    matrix = torch.stack((cos, -sin, zero, sin, cos, zero), dim=1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
