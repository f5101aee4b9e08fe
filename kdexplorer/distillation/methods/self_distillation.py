"""Be your own teacher: a small classifier at every shallow stage learns from the labels and from the deepest one."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.embedding import embedding
from kdexplorer.distillation.method import (
    METHODS,
    MethodSpec,
    Pair,
    Signals,
    feature_maps,
    full_precision,
    same_logits,
)
from kdexplorer.distillation.methods.soft_targets import soft_target_loss
from kdexplorer.distillation.projection import projector
from kdexplorer.params import Param


def self_distillation_loss(
    logits: Tensor,
    teacher_logits: Tensor,
    target: Tensor,
    feature: Tensor,
    teacher_feature: Tensor,
    alpha: float,
    hint: float,
    temperature: float,
) -> Tensor:
    """(1 − α) · CE(y, q) + α · T² · KL(p_t ‖ p_q) + λ · ‖F_q − F_t‖², averaged over the batch: one classifier's loss.

    Args:
        logits, teacher_logits: of the shallow classifier and of the deepest one [B, C].
        target: labels int64 [B], or label distributions [B, C] (mixup).
        feature, teacher_feature: what the two classifiers read, pooled [B, D].
        alpha: α in [0, 1], the deepest classifier's share against the labels'.
        hint: λ ≥ 0.
        temperature: T > 0.

    Paper: Zhang et al., "Be Your Own Teacher", arXiv 1905.08094; T² as in arXiv 1503.02531.
    """
    if target.ndim == 2:
        target = full_precision(target)
    of_labels = F.cross_entropy(full_precision(logits), target)
    of_deepest = soft_target_loss(logits, teacher_logits, temperature)
    apart = (full_precision(feature) - full_precision(teacher_feature)).square().sum(dim=1).mean()
    return (1 - alpha) * of_labels + alpha * of_deepest + hint * apart


class ShallowClassifier(nn.Module):
    """From a shallow feature [B, C_s, H, W] to (logits [B, classes], what they are read from [B, C_t])."""

    def __init__(self, student: tuple[int, ...], teacher: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(projector("conv_norm", student, teacher), nn.ReLU())
        self.head = nn.Linear(teacher[0], classes)

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        pooled = embedding(self.bottleneck(feature))
        return self.head(pooled), pooled


def _classifiers(pair: Pair, params: Mapping[str, Any]) -> nn.Module:
    classes = pair.teacher_output[0]
    return nn.ModuleList(ShallowClassifier(student, teacher, classes) for student, teacher in pair.features)


def _loss(signals: Signals, params: Mapping[str, Any], classifiers: nn.Module | None) -> Tensor:
    assert isinstance(classifiers, nn.ModuleList)
    assert signals.target is not None  # a classification batch has labels
    losses = []
    for classify, (student, teacher) in zip(classifiers, signals.features, strict=True):
        logits, pooled = classify(full_precision(student))
        losses.append(
            self_distillation_loss(
                logits, signals.teacher_output, signals.target, pooled, embedding(teacher),
                params["alpha"], params["hint"], params["temperature"],
            )
        )  # fmt: skip
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    classes, total = pair.teacher_output[0], 0
    for student, teacher in pair.features:
        wide = teacher[0]
        total += pair.batch * (prod(student) + 6 * wide * prod(student[1:]) + 6 * wide + 16 * classes)
        total += wide * (student[0] + classes + 8)
    return 4 * total


METHODS.add(
    MethodSpec(
        id="self_distillation",
        title="Self-distillation heads",
        order=25,
        summary="Adds a small classifier at every stage; each learns from the labels and from the deepest one.",
        matches="the deepest layer's answers and features, at every depth",
        knowledge="responses",
        paper="1905.08094",
        tasks=("classification",),
        params=(
            Param(
                name="alpha", default=0.3, minimum=0.0, maximum=1.0, live=True,
                help="The deepest classifier's share in what a shallow one learns; the labels have the rest.",
            ),
            Param(
                name="hint", default=0.03, minimum=0.0, maximum=10.0, live=True, title="Weight of the features",
                help="How much a shallow classifier's features must be like the deepest ones.",
            ),
            Param(
                name="temperature", default=3.0, minimum=0.5, maximum=20.0, live=True,
                help="Softens the deepest classifier's answers.",
            ),
        ),
        formula=r"\sum_i (1-\alpha)\,\mathrm{CE}(y, q_i) + \alpha T^2 \cdot \mathrm{KL}\left(p_t\,\|\,p_i\right) "
        r"+ \lambda \|F_i - F_t\|_2^2",
        layers="all",
        teacher="self",
        learnable=_classifiers,
        loss=_loss,
        fits=lambda pair: same_logits(pair) or feature_maps(pair),
        memory=_memory,
    )
)  # fmt: skip
