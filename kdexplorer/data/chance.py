"""What augmentations draw for each image of a batch; on the generator's device."""

from __future__ import annotations

import torch
from torch import Tensor


def chosen(batch: int, probability: float, generator: torch.Generator) -> Tensor:
    """Which images are changed, bool [B]; a probability of 0 chooses none and 1 all."""
    return torch.rand(batch, generator=generator, device=generator.device) < probability


def uniform(batch: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Float [B] in [low, high)."""
    return low + (high - low) * torch.rand(batch, generator=generator, device=generator.device)


def only(chosen: Tensor, changed: Tensor, images: Tensor) -> Tensor:
    """`changed` where chosen (bool [B]), else exactly `images`; both [B, C, H, W]."""
    return torch.where(chosen.view(-1, 1, 1, 1), changed, images)
