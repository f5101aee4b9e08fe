"""Variational information distillation: the student's features tell the teacher's, each channel with its own doubt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

LEAST_VARIANCE = 1e-5


def vid_loss(mean: Tensor, teacher_feature: Tensor, variance: Tensor) -> Tensor:
    """Mean of ½ · [(μ − F_t)² / v + ln v]: a Gaussian's negative log likelihood, which may be negative.

    Args:
        mean: μ [B, C, H, W], predicted from the student's feature.
        teacher_feature: [B, C, H, W].
        variance: v > 0, one a channel [C].

    Paper: Ahn et al., "Variational Information Distillation for Knowledge Transfer", arXiv 1904.05835.
    """
    v = full_precision(variance).view(1, -1, 1, 1)
    square = (full_precision(mean) - full_precision(teacher_feature)).square()
    return 0.5 * (square / v + v.log()).mean()


class Regressor(nn.Module):
    """From the student's feature [B, C_s, H, W] to the teacher's mean [B, C_t, H, W] and variance [C_t]."""

    def __init__(self, student: int, teacher: int, variance: float) -> None:
        super().__init__()
        self.mean = nn.Sequential(
            nn.Conv2d(student, teacher, kernel_size=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(teacher, teacher, kernel_size=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(teacher, teacher, kernel_size=1, bias=False),
        )
        start = math.log(math.expm1(variance - LEAST_VARIANCE))  # softplus undone
        self.raw_variance = nn.Parameter(torch.full((teacher,), start))

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(feature), F.softplus(self.raw_variance) + LEAST_VARIANCE


def _regressors(pair: Pair, params: Mapping[str, Any]) -> nn.Module:
    return nn.ModuleList(
        Regressor(student[0], teacher[0], params["variance"]) for student, teacher in pair.features
    )


def _loss(signals: Signals, params: Mapping[str, Any], regressors: nn.Module | None) -> Tensor:
    assert isinstance(regressors, nn.ModuleList)
    losses = []
    for regress, features in zip(regressors, signals.features, strict=True):
        student, teacher = same_size(*map(full_precision, features))
        mean, variance = regress(student)
        losses.append(vid_loss(mean, teacher, variance))
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    total = 0
    for student, teacher in pair.features:
        positions = min(prod(student[1:]), prod(teacher[1:]))
        total += pair.batch * positions * (student[0] + 8 * teacher[0])
        total += 4 * teacher[0] * (student[0] + 2 * teacher[0] + 1)
    return 4 * total


METHODS.add(
    MethodSpec(
        id="vid",
        title="Variational information",
        order=22,
        summary="Predicts the teacher's features from the student's, with a learned doubt for every channel.",
        matches="feature maps, as far as each can be predicted",
        paper="1904.05835",
        params=(
            Param(
                name="variance", default=5.0, minimum=0.01, maximum=100.0, log=True, advanced=True,
                help="Variance that every channel starts with; it is learned from there.",
            ),
        ),
        formula=r"\frac{1}{2N}\sum\left[\frac{(\mu(F_s)-F_t)^2}{v_c}+\ln v_c\right]",
        layers="all",
        learnable=_regressors,
        loss=_loss,
        fits=feature_maps,
        memory=_memory,
    )
)  # fmt: skip
