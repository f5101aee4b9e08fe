"""Channel-wise distillation: where each channel is active, as a distribution over positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.footprint import matched_map_bytes
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


def channel_wise_loss(student_map: Tensor, teacher_map: Tensor, temperature: float) -> Tensor:
    """T² · KL(p_t ‖ p_s) over positions with p = softmax(F / T), averaged over batch and channels.

    Args:
        student_map, teacher_map: [B, C, H, W], of one shape: features, or dense logits.
        temperature: T > 0; above 1 it looks at more of each map than its peak.

    Paper: Shu et al., "Channel-wise Knowledge Distillation for Dense Prediction", arXiv 2011.13256.
    """
    student = F.log_softmax(full_precision(student_map).flatten(2) / temperature, dim=2)
    teacher = F.log_softmax(full_precision(teacher_map).flatten(2) / temperature, dim=2)
    maps = student.shape[0] * student.shape[1]
    return F.kl_div(student, teacher, reduction="sum", log_target=True) * temperature**2 / maps


def _projections(pair: Pair, params: Mapping[str, Any]) -> nn.Module | None:
    """A 1×1 convolution a layer where channel counts differ; None where all agree."""
    if all(student[0] == teacher[0] for student, teacher in pair.features):
        return None
    return nn.ModuleList(  # without bias: the softmax would not see it
        nn.Identity()
        if student[0] == teacher[0]
        else nn.Conv2d(student[0], teacher[0], kernel_size=1, bias=False)
        for student, teacher in pair.features
    )


def _loss(signals: Signals, params: Mapping[str, Any], projections: nn.Module | None) -> Tensor:
    losses = []
    for index, pair in enumerate(signals.features):
        student, teacher = same_size(full_precision(pair[0]), full_precision(pair[1]))
        if isinstance(projections, nn.ModuleList):
            student = projections[index](student)
        losses.append(channel_wise_loss(student, teacher, params["temperature"]))
    return torch.stack(losses).sum()


def _fits(pair: Pair) -> str | None:
    if reason := feature_maps(pair):
        return reason
    if any(min(s[1] * s[2], t[1] * t[2]) == 1 for s, t in pair.features):
        return "it compares positions, and a chosen layer has only one: choose an earlier layer"
    return None


METHODS.add(
    MethodSpec(
        id="channel_wise",
        title="Channel-wise (CWD)",
        order=50,
        summary="Matches, channel by channel, where on the map the features are active.",
        paper="2011.13256",
        params=(
            Param(
                name="temperature", default=4.0, minimum=0.5, maximum=20.0, live=True,
                help="Above 1 the whole map counts, not only its peak.",
            ),
        ),
        default_weight=50.0,
        restoration_weight=1.0,
        formula=r"\frac{T^2}{BC}\sum_{b,c} \mathrm{KL}\left(\mathrm{softmax}_{HW}(F_t/T)\,\|\,"
        r"\mathrm{softmax}_{HW}(F_s/T)\right)",
        matches="each channel's map as a distribution",
        layers="last",
        learnable=_projections,
        loss=_loss,
        fits=_fits,
        memory=lambda pair, params: matched_map_bytes(pair, copies=4),
    )
)  # fmt: skip
