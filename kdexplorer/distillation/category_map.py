"""Words of a codebook as colors."""

from __future__ import annotations

import torch
from torch import Tensor

GOLDEN = 0.6180339887  # steps of it around the circle of hues never cluster


def category_colors(words: Tensor, count: int) -> Tensor:
    """int64 [B, h, w] below `count` → colors [B, 3, h, w] in [0, 1], the same for the same word everywhere."""
    index = torch.arange(count, dtype=torch.float64)
    hue, light = (index * GOLDEN) % 1, 0.45 + 0.4 * ((index * 7 * GOLDEN) % 1)
    turns = (hue[:, None] + torch.tensor([0.0, 1 / 3, 2 / 3], dtype=torch.float64)) * 2 * torch.pi
    table = (light[:, None] + 0.3 * turns.cos()).clamp(0, 1).float().to(words.device)
    return table[words].permute(0, 3, 1, 2)
