"""FAKD: which positions of the feature map are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.footprint import matched_shape, tensor_bytes
from kdexplorer.distillation.method import (
    METHODS,
    MethodSpec,
    Pair,
    Signals,
    feature_maps,
    full_precision,
    same_size,
)
from kdexplorer.params import Param


def affinity(feature: Tensor) -> Tensor:
    """Cosines between all positions: [B, C, H, W] → [B, H·W, H·W] in [−1, 1]."""
    # of a position without any activity the gradient of the norm would be 1/ε
    directions = F.normalize(full_precision(feature).flatten(2), dim=1, eps=1e-6)
    return directions.transpose(1, 2) @ directions


def feature_affinity_loss(student_feature: Tensor, teacher_feature: Tensor, max_side: int = 64) -> Tensor:
    """Mean absolute difference of the two networks' affinities A = F̂ᵀF̂, F̂ of length 1 at each position.

    The larger map is pooled to the smaller one's size, and both to at most `max_side` × `max_side`: the cost
    grows with (H·W)².

    Args:
        student_feature, teacher_feature: [B, C, H, W]; channel counts may differ.

    Paper: He et al., "FAKD: Feature-Affinity Based Knowledge Distillation", ICIP 2020.
    """
    student, teacher = same_size(full_precision(student_feature), full_precision(teacher_feature))
    height, width = (min(side, max_side) for side in student.shape[-2:])
    if (height, width) != student.shape[-2:]:
        student, teacher = (F.adaptive_avg_pool2d(x, (height, width)) for x in (student, teacher))
    return F.l1_loss(affinity(student), affinity(teacher))


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    losses = [feature_affinity_loss(s, t, params["max_side"]) for s, t in signals.features]
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    total = 0
    for student, teacher in pair.features:
        _, height, width = (min(side, params["max_side"]) for side in matched_shape(student, teacher))
        total += 3 * tensor_bytes(pair.batch, height * width, height * width)
    return total


METHODS.add(
    MethodSpec(
        id="feature_affinity",
        title="Feature affinity (FAKD)",
        order=50,
        summary="Matches which places of the picture have similar features; channel counts need not agree.",
        paper="ICIP 2020",
        params=(
            Param(
                name="max_side", default=24, minimum=4, maximum=96, unit="px",
                help="Larger maps are pooled to this side: time and memory grow with its fourth power.",
            ),
        ),
        default_weight=0.003,  # a quarter of the gradient when *Denoise a photo* begins
        formula=r"\sum_l \frac{1}{(HW)^2}\left\|\hat F_t^\top \hat F_t - \hat F_s^\top \hat F_s\right\|_1",
        matches="similarity between positions",
        knowledge="relations",
        layers="all",
        loss=_loss,
        fits=feature_maps,
        memory=_memory,
    )
)  # fmt: skip
