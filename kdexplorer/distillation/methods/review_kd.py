"""ReviewKD: what the teacher's early layers know is taught to the student's later ones too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.footprint import tensor_bytes
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, feature_maps, full_precision
from kdexplorer.distillation.review_fusion import MAX_CHANNELS, ReviewFusion

POOLED_SIDES = (4, 2, 1)


def hierarchical_context_loss(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    """Mean square difference, and that of the maps pooled to 4², 2² and 1² at weights ½, ¼, ⅛; normalised.

    Sides that are not smaller than the map are left out, weights and all.

    Args:
        student_feature, teacher_feature: [B, C, H, W], of one shape.

    Paper: Chen et al., "Distilling Knowledge via Knowledge Review", arXiv 2104.09044.
    """
    student, teacher = full_precision(student_feature), full_precision(teacher_feature)
    loss = F.mse_loss(student, teacher)
    weight, total = 1.0, 1.0
    for side in POOLED_SIDES:
        if side < min(student.shape[-2:]):
            weight /= 2
            total += weight
            pooled = F.adaptive_avg_pool2d(student, side), F.adaptive_avg_pool2d(teacher, side)
            loss = loss + weight * F.mse_loss(*pooled)
    return loss / total


def _loss(signals: Signals, params: Mapping[str, Any], fusion: nn.Module | None) -> Tensor:
    assert isinstance(fusion, ReviewFusion)
    teachers = [teacher for _, teacher in signals.features]
    sizes = [(teacher.shape[-2], teacher.shape[-1]) for teacher in teachers]
    reviewed = fusion([full_precision(student) for student, _ in signals.features], sizes)
    losses = [hierarchical_context_loss(s, t) for s, t in zip(reviewed, teachers, strict=True)]
    return torch.stack(losses).sum()


def _fits(pair: Pair) -> str | None:
    if reason := feature_maps(pair):
        return reason
    if pair.batch == 1 and any(s[1] * s[2] == 1 or t[1] * t[2] == 1 for s, t in pair.features):
        return "its norm needs more than one value a channel: choose a larger batch, or earlier layers"
    return None


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    middle = min(MAX_CHANNELS, pair.features[-1][0][0])
    total = 0
    for student, teacher in pair.features:
        total += tensor_bytes(pair.batch, 4 * middle, student[1], student[2])
        total += tensor_bytes(pair.batch, middle + 3 * teacher[0], teacher[1], teacher[2])
    return total


METHODS.add(
    MethodSpec(
        id="review_kd",
        title="Knowledge review (ReviewKD)",
        order=40,
        summary="Matches features at several depths at once, each level of the student reviewed with the deeper ones.",
        paper="2104.09044",
        default_weight=5.0,
        restoration_weight=0.004,
        formula=r"\sum_l \mathrm{HCL}\left(U_l(F_s^{l},\dots,F_s^{L}),\,F_t^{l}\right),\quad "
        r"\mathrm{HCL}(F_s, F_t)=\frac{\sum_k 2^{-k}\,\mathrm{MSE}(P_k F_s, P_k F_t)}{\sum_k 2^{-k}}",
        matches="feature maps at several depths",
        layers="all",
        learnable=lambda pair, params: ReviewFusion(pair),
        loss=_loss,
        fits=_fits,
        memory=_memory,
        schedule="warmup",
    )
)
