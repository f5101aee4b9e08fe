"""Attention on the artifact: the student looks where the teacher looks, there where the image is damaged."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.method import (
    METHODS,
    MethodSpec,
    Signals,
    feature_maps,
    full_precision,
    same_size,
)
from kdexplorer.distillation.residual import artifact_region, residual


def artifact_attention_loss(student_feature: Tensor, teacher_feature: Tensor, region: Tensor) -> Tensor:
    """Mean over batch and positions of (Q_s − Q_t)², Q = vec(R · mean_c F²) / its L2 norm.

    Args:
        student_feature, teacher_feature: [B, C, H, W]; channel counts may differ, the larger map is pooled.
        region: R ≥ 0, [B, H, W] of the smaller map: where the image is damaged. All 1 gives attention transfer.

    Paper: Zagoruyko, Komodakis, "Paying More Attention to Attention", arXiv 1612.03928, with a region.
    """
    pair = same_size(full_precision(student_feature), full_precision(teacher_feature))
    student, teacher = (
        F.normalize((full_precision(region) * feature.square().mean(dim=1)).flatten(1), dim=1)
        for feature in pair
    )
    return (student - teacher).square().mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    assert signals.input is not None
    assert signals.target is not None
    damage = residual(signals.input, signals.target)
    losses = []
    for student, teacher in signals.features:
        size = (min(student.shape[-2], teacher.shape[-2]), min(student.shape[-1], teacher.shape[-1]))
        losses.append(artifact_attention_loss(student, teacher, artifact_region(damage, size)))
    return torch.stack(losses).sum()


METHODS.add(
    MethodSpec(
        id="artifact_attention",
        title="Attention on the artifact",
        order=32,
        summary="Attention transfer that counts where the image is damaged: metal streaks, rain, drops.",
        paper="1612.03928",
        tasks=("restoration",),
        default_weight=2.0,  # a quarter of the gradient when *Denoise a photo* begins
        formula=r"\left\| \frac{Q_s}{\|Q_s\|_2} - \frac{Q_t}{\|Q_t\|_2} \right\|^2,\quad Q=|y-x|\,\overline{F^2}",
        matches="where features are strong, inside the damaged region",
        knowledge="attention",
        layers="all",
        loss=_loss,
        fits=feature_maps,
        memory=lambda pair, params: (
            4 * 5 * pair.batch * sum(prod(s) for shapes in pair.features for s in shapes)
        ),
    )
)
