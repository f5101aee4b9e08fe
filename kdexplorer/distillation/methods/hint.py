"""FitNets: the student's features, projected, imitate the teacher's."""

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
from kdexplorer.distillation.projection import projectors
from kdexplorer.params import Param


def hint_loss(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    """Mean square difference of two features of the same shape [B, C, H, W].

    Paper: Romero et al., "FitNets: Hints for Thin Deep Nets", arXiv 1412.6550.
    """
    return F.mse_loss(full_precision(student_feature), full_precision(teacher_feature))


def _loss(signals: Signals, params: Mapping[str, Any], learned: nn.Module | None) -> Tensor:
    assert isinstance(learned, nn.ModuleList)
    losses = []
    for project, (student, teacher) in zip(learned, signals.features, strict=True):
        losses.append(hint_loss(*same_size(project(full_precision(student)), teacher)))
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    total = 0
    for student, teacher in pair.features:
        total += pair.batch * (prod(student) + 6 * teacher[0] * prod(student[1:]))
        total += 4 * (student[0] + teacher[0] + 2) * teacher[0]
    return 4 * total


METHODS.add(
    MethodSpec(
        id="hint",
        title="FitNets hint",
        order=20,
        summary="Matches the teacher's features inside the network, through a learned projection.",
        matches="feature maps",
        paper="1412.6550",
        params=(
            Param(
                name="projector", default="conv_norm", choices=("conv_norm", "conv", "mlp"),
                help="What brings the student's channels to the teacher's: a 1×1 convolution, with norm or without, "
                "or two of them.",
            ),
        ),
        default_weight=100.0,
        restoration_weight=0.01,
        formula=r"\frac{1}{N}\sum \left(r(F_s) - F_t\right)^2",
        layers="middle",
        learnable=lambda pair, params: projectors(params["projector"], pair),
        loss=_loss,
        fits=feature_maps,
        memory=_memory,
    )
)  # fmt: skip
