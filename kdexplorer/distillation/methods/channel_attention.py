"""Channel attention: channels are as active as the teacher's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.distillation.embedding import embedding, embedding_width, some_features
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision


def channel_attention_loss(student_attention: Tensor, teacher_attention: Tensor) -> Tensor:
    """Mean over the batch of ‖A_t − A_s‖₂, A the mean of every channel.

    Args:
        student_attention, teacher_attention: [B, C] of equal C, or maps [B, C, H, W], averaged over H, W.

    The global average of squeeze-and-excitation, arXiv 1709.01507, taught by regression.
    """
    difference = embedding(teacher_attention) - embedding(student_attention)
    distance: Tensor = torch.linalg.vector_norm(difference, dim=1)
    return distance.mean()


def _projectors(pair: Pair, params: Mapping[str, Any]) -> nn.Module | None:
    layers: list[nn.Module] = []
    for student, teacher in pair.features:
        wide, wanted = embedding_width(student), embedding_width(teacher)
        layers.append(nn.Identity() if wide == wanted else nn.Linear(wide, wanted))
    return nn.ModuleList(layers)


def _loss(signals: Signals, params: Mapping[str, Any], projectors: nn.Module | None) -> Tensor:
    assert isinstance(projectors, nn.ModuleList)
    losses = []
    for project, (student, teacher) in zip(projectors, signals.features, strict=True):
        projected = full_precision(project(embedding(student)))
        losses.append(channel_attention_loss(projected, embedding(teacher)))
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    total = 0
    for student, teacher in pair.features:
        wide, wanted = embedding_width(student), embedding_width(teacher)
        total += pair.batch * (wide + 4 * wanted) + (4 * (wide + 1) * wanted if wide != wanted else 0)
    return 4 * total


METHODS.add(
    MethodSpec(
        id="channel_attention",
        title="Channel attention",
        order=31,
        summary="Matches how active each channel is, averaged over the image.",
        matches="how active each channel is",
        knowledge="attention",
        paper="1709.01507",
        default_weight=0.2,
        restoration_weight=0.001,
        formula=r"\frac{1}{B}\sum \left\|A_t-A_s\right\|_2,\quad A_c=\frac{1}{HW}\sum_{h,w}F_{chw}",
        layers="all",
        learnable=_projectors,
        loss=_loss,
        fits=some_features,
        memory=_memory,
    )
)
