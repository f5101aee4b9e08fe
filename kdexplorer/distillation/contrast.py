"""Nearer to the positive than to the negatives: the ratio of distances that CSD and DCKD share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kdexplorer.distillation.method import full_precision

LEVEL_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
EPSILON = 1e-7


def contrast_ratio(
    anchor: Sequence[Tensor],
    positive: Sequence[Tensor],
    negatives: Sequence[Sequence[Tensor]],
    level_weights: Sequence[float] = LEVEL_WEIGHTS,
) -> Tensor:
    """Σ_i λ_i · mean|a_i − p_i| / (mean(Σ_j |a_i − n_ji|) + 1e-7) over the levels of an encoder.

    Args:
        anchor, positive: a feature [B, C, H, W] a level.
        negatives: of each negative, the same.
        level_weights: λ, one a level.

    Raises:
        ValueError: not as many levels as weights, or no negatives.
    """
    near, far = contrast_distances(anchor, positive, negatives)
    if len(level_weights) != len(near):
        raise ValueError("as many levels as weights are needed")
    weights = near.new_tensor(list(level_weights))
    return (weights * near / (far + EPSILON)).sum()


def contrast_distances(
    anchor: Sequence[Tensor], positive: Sequence[Tensor], negatives: Sequence[Sequence[Tensor]]
) -> tuple[Tensor, Tensor]:
    """mean|a_i − p_i| and mean(Σ_j |a_i − n_ji|) of every level, each [levels].

    Raises:
        ValueError: not as many levels in one as in the other, or no negatives.
    """
    if len(anchor) != len(positive) or not negatives:
        raise ValueError("as many levels of the positive are needed, and at least one negative")
    near, far = [], []
    for level, feature in enumerate(anchor):
        student = full_precision(feature)
        near.append((student - full_precision(positive[level])).abs().mean())
        far.append(torch.stack([(student - full_precision(n[level])).abs().mean() for n in negatives]).sum())
    return torch.stack(near), torch.stack(far)
