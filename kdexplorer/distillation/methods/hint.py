"""FitNets: the student's features, projected, imitate the teacher's."""

from __future__ import annotations

from collections.abc import Mapping
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


def hint_loss(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    """Mean square difference of two features of the same shape [B, C, H, W].

    Paper: Romero et al., "FitNets: Hints for Thin Deep Nets", arXiv 1412.6550.
    """
    return F.mse_loss(full_precision(student_feature), full_precision(teacher_feature))


def projectors(pair: Pair, params: Mapping[str, Any]) -> nn.Module:
    """One projector a layer, from the student's channels to the teacher's."""
    layers: list[nn.Module] = []
    for student, teacher in pair.features:
        convolution = nn.Conv2d(student[0], teacher[0], kernel_size=1, bias=params["projector"] == "conv")
        if params["projector"] == "conv_norm":
            layers.append(nn.Sequential(convolution, nn.BatchNorm2d(teacher[0])))
        else:
            layers.append(convolution)
    return nn.ModuleList(layers)


def _loss(signals: Signals, params: Mapping[str, Any], projectors: nn.Module | None) -> Tensor:
    assert isinstance(projectors, nn.ModuleList)
    losses = []
    for project, (student, teacher) in zip(projectors, signals.features, strict=True):
        losses.append(hint_loss(*same_size(project(student), teacher)))
    return torch.stack(losses).sum()


METHODS.add(
    MethodSpec(
        id="hint",
        title="FitNets hint",
        order=20,
        summary="Matches the teacher's features inside the network, through a learned projection.",
        paper="1412.6550",
        params=(
            Param(
                name="projector", default="conv_norm", choices=("conv_norm", "conv"),
                help="What brings the student's channels to the teacher's: a 1×1 convolution, with or without norm.",
            ),
        ),
        default_weight=100.0,
        formula=r"\frac{1}{N}\sum \left(r(F_s) - F_t\right)^2",
        layers="middle",
        learnable=projectors,
        loss=_loss,
        fits=feature_maps,
    )
)  # fmt: skip
