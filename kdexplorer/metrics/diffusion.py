"""How widely an attribution is spread: the diffusion index of local attribution maps. Maps are [B, H, W]."""

from __future__ import annotations

import torch
from torch import Tensor


def gini(maps: Tensor) -> Tensor:
    """Gini coefficient of a map's absolute values, float64 [B] in [0, 1 − 1/HW]; NaN where a map is all zero.

    Σ_i Σ_j |g_i − g_j| / (2 n² mean(g)): 0 where all pixels are alike, 1 − 1/n where one has everything.
    """
    values = maps.detach().cpu().abs().flatten(1).double().sort(dim=1).values
    count = values.shape[1]
    ranks = torch.arange(1, count + 1, dtype=values.dtype)
    return ((2 * ranks - count - 1) * values).sum(1) / (count * values.sum(1))


def diffusion_index(maps: Tensor) -> Tensor:
    """(1 − Gini) · 100, arXiv 2011.11256: float64 [B], 100 where all pixels count alike, 100/HW where one alone does.

    It depends on how many pixels a map has: compare maps of one size.
    """
    return (1 - gini(maps)) * 100
