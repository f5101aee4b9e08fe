"""How alike two attribution maps are, and how well one matches the object's mask. Maps are [B, H, W].

A score that a map does not define is NaN, never a number that could pass for a measured one.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the angle between two maps, float [B] in [-1, 1]; NaN where one is all zero."""
    return _cosine(_flat(a), _flat(b))


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's ρ, ties at their average rank, float [B] in [-1, 1]; NaN where a map is constant."""
    ranks_a, ranks_b = _ranks(_flat(a)), _ranks(_flat(b))
    return _cosine(ranks_a - ranks_a.mean(dim=1, keepdim=True), ranks_b - ranks_b.mean(dim=1, keepdim=True))


def top_overlap(a: Tensor, b: Tensor, share: float = 0.2) -> Tensor:
    """Share of the brightest pixels of `a` that are among the brightest of `b`, float [B] in [0, 1].

    Both take the `share` brightest; unrelated maps score about `share`. Of equal pixels the first count; NaN where
    a map is constant.
    """
    flat_a, flat_b = _flat(a), _flat(b)
    count = max(1, round(share * flat_a.shape[1]))
    common = (_top(flat_a, count) & _top(flat_b, count)).sum(dim=1).float() / count
    return common.masked_fill(_constant(flat_a) | _constant(flat_b), float("nan"))


def energy_inside(map: Tensor, mask: Tensor) -> Tensor:
    """Share of a map's sum that lies on the object's mask (bool [B, H, W]), float [B]; NaN without a positive
    value."""
    flat, inside = _flat(map).clamp(min=0), mask.flatten(1)
    return ((flat * inside).sum(dim=1) / flat.sum(dim=1)).float()


def without_evidence(map: Tensor) -> Tensor:
    """Whether a map has no positive value anywhere, bool [B]: nothing spoke for what it explains."""
    return (map.detach().flatten(1) <= 0).all(dim=1)


def _flat(maps: Tensor) -> Tensor:
    maps = maps.detach().flatten(1)
    return maps.float() if maps.device.type == "mps" else maps.double()  # mps has no float64


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(b, dim=1)
    angle: Tensor = (a * b).sum(dim=1) / norm  # 0 / 0 is NaN
    return angle.clamp(-1, 1).float()


def _constant(values: Tensor) -> Tensor:
    return values.amin(dim=1) == values.amax(dim=1)


def _ranks(values: Tensor) -> Tensor:
    """Ranks from 0 on, ties at the middle of those they share."""
    ordered = values.sort(dim=1).values
    below = torch.searchsorted(ordered, values)
    through = torch.searchsorted(ordered, values, right=True)
    return (below + through - 1).to(values.dtype) / 2


def _top(values: Tensor, count: int) -> Tensor:
    order = values.sort(dim=1, descending=True, stable=True).indices[:, :count]
    return torch.zeros_like(values, dtype=torch.bool).scatter_(1, order, True)
