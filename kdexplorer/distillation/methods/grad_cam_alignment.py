"""Grad-CAM alignment: both networks explain the label by the same places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    same_logits,
)
from kdexplorer.params import ConfigError


def class_activation_map(feature: Tensor, gradient: Tensor) -> Tensor:
    """ReLU of the channels' sum, each weighted by its mean gradient: [B, C, H, W] twice → [B, H, W].

    Paper: Selvaraju et al., "Grad-CAM", arXiv 1610.02391.
    """
    weights = full_precision(gradient).mean(dim=(2, 3), keepdim=True)
    return (weights * full_precision(feature)).sum(dim=1).relu()


def grad_cam_loss(student_map: Tensor, teacher_map: Tensor) -> Tensor:
    """Half the squared distance of the L2-normalised maps, averaged over the batch: 1 − their cosine.

    The larger map is pooled to the smaller one's size. In [0, 1]; an empty map lies ½ from any other.

    Args:
        student_map, teacher_map: class-activation maps ≥ 0, [B, H, W].

    Paper: Parchami-Araghi et al., "Good Teachers Explain", arXiv 2402.03119.
    """
    height = min(student_map.shape[-2], teacher_map.shape[-2])
    width = min(student_map.shape[-1], teacher_map.shape[-1])
    student, teacher = (
        F.normalize(F.adaptive_avg_pool2d(full_precision(x), (height, width)).flatten(1), dim=1)
        for x in (student_map, teacher_map)
    )
    return (student - teacher).square().sum(dim=1).mean() / 2


def label_score(logits: Tensor, target: Tensor) -> Tensor:
    """Sum over the batch of the label's logit; of a label distribution [B, C], the expected one."""
    if target.is_floating_point():
        return (full_precision(logits) * target).sum()
    return full_precision(logits).gather(1, target[:, None]).sum()


def _gradients(
    output: Tensor, target: Tensor, features: Sequence[Tensor], *, graph: bool
) -> tuple[Tensor, ...]:
    # the graph is kept in any case: other students of the cohort ask the same teacher
    found = torch.autograd.grad(
        label_score(output, target), features, create_graph=graph, retain_graph=True, allow_unused=True
    )
    if any(gradient is None for gradient in found):
        raise ConfigError(
            "Grad-CAM alignment: the output does not depend on a chosen layer as it is compared: "
            "choose a layer before the output, without projector and without noise on features."
        )
    return found


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    assert signals.target is not None
    students, teachers = zip(*signals.features, strict=True)
    from_student = _gradients(signals.student_output, signals.target, students, graph=True)
    from_teacher = _gradients(signals.teacher_output, signals.target, teachers, graph=False)
    losses = []
    for student, teacher, *gradients in zip(students, teachers, from_student, from_teacher, strict=True):
        student_map = class_activation_map(student, gradients[0])
        teacher_map = class_activation_map(teacher.detach(), gradients[1])
        losses.append(grad_cam_loss(student_map, teacher_map))
    return torch.stack(losses).mean()


def _fits(pair: Pair) -> str | None:
    if reason := same_logits(pair) or feature_maps(pair):
        return reason
    if any(min(s[1] * s[2], t[1] * t[2]) == 1 for s, t in pair.features):
        return "a class-activation map of one position shows nothing: choose an earlier layer"
    return None


METHODS.add(
    MethodSpec(
        id="grad_cam_alignment",
        title="Grad-CAM alignment",
        order=70,
        summary="Matches the places by which the two networks explain the label.",
        paper="2402.03119",
        tasks=("classification",),
        formula=r"1 - \cos\left(A_s, A_t\right),\quad "
        r"A = \mathrm{ReLU}\left(\sum_c w_c F_c\right),\quad w_c = \frac{1}{HW}\sum_p \frac{\partial z_y}{\partial F_c(p)}",
        matches="class-activation maps",
        knowledge="attention",
        layers="last",
        loss=_loss,
        fits=_fits,
        memory=lambda pair, params: matched_map_bytes(pair, copies=4),
        teacher_gradient=True,
    )
)
