"""Attention transfer: the student looks where the teacher looks."""

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
    Pair,
    Signals,
    feature_maps,
    full_precision,
    same_size,
)


def attention_map(feature: Tensor) -> Tensor:
    """Q = vec(mean over channels of F²) / its L2 norm: [B, C, H, W] → [B, H·W]."""
    return F.normalize(full_precision(feature).square().mean(dim=1).flatten(1), dim=1)


def attention_transfer_loss(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    """Mean over batch and positions of (Q_s − Q_t)²; the larger map is pooled to the smaller one's size.

    Args:
        student_feature, teacher_feature: [B, C, H, W]; channel counts may differ.

    Paper: Zagoruyko, Komodakis, "Paying More Attention to Attention", arXiv 1612.03928.
    """
    student, teacher = same_size(full_precision(student_feature), full_precision(teacher_feature))
    return (attention_map(student) - attention_map(teacher)).square().mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    return torch.stack([attention_transfer_loss(*pair) for pair in signals.features]).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    return 4 * 3 * pair.batch * sum(prod(shape) for shapes in pair.features for shape in shapes)


METHODS.add(
    MethodSpec(
        id="attention_transfer",
        title="Attention transfer",
        order=30,
        summary="Matches where the features are strong: the student learns to look where the teacher looks.",
        matches="where features are strong",
        knowledge="attention",
        paper="1612.03928",
        default_weight=1000.0,
        restoration_weight=2.0,
        formula=r"\left\| \frac{Q_s}{\|Q_s\|_2} - \frac{Q_t}{\|Q_t\|_2} \right\|^2,\quad Q=\overline{F^2}",
        layers="all",
        loss=_loss,
        fits=feature_maps,
        memory=_memory,
    )
)
