"""Neuron selectivity transfer: the student's channels respond where the teacher's channels do."""

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


def mean_kernel(a: Tensor, b: Tensor) -> Tensor:
    """Mean of (x · y)² over all channels x of `a` and y of `b`: [B, C, P], [B, C', P] → [B]."""
    return (a @ b.transpose(1, 2)).square().mean(dim=(1, 2))


def second_moment(a: Tensor) -> Tensor:
    """Mean over channels of x xᵀ: [B, C, P] → [B, P, P]."""
    return a.transpose(1, 2) @ a / a.shape[1]


def nst_loss(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    """Squared maximum mean discrepancy between the two sets of channel maps, mean over the batch.

    Maps are vectors of length 1, the kernel is (x · y)². The larger map is pooled to the smaller one's size.

    Args:
        student_feature, teacher_feature: [B, C, H, W]; channel counts may differ.

    Paper: Huang, Wang, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", arXiv 1707.01219.
    """
    student, teacher = same_size(full_precision(student_feature), full_precision(teacher_feature))
    s, t = F.normalize(student.flatten(2), dim=2), F.normalize(teacher.flatten(2), dim=2)
    if s.shape[2] < max(s.shape[1], t.shape[1]):
        # The same number, as this kernel's mean embedding is the second moment: cheaper for small, deep maps.
        return (second_moment(s) - second_moment(t)).square().sum(dim=(1, 2)).mean()
    return (mean_kernel(s, s) + mean_kernel(t, t) - 2 * mean_kernel(s, t)).mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    return torch.stack([nst_loss(*pair) for pair in signals.features]).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    total = 0
    for student, teacher in pair.features:
        channels, positions = max(student[0], teacher[0]), min(prod(student[1:]), prod(teacher[1:]))
        total += 4 * prod(student) + 4 * prod(teacher) + 8 * min(channels, positions) ** 2
    return 4 * pair.batch * total


METHODS.add(
    MethodSpec(
        id="nst",
        title="Neuron selectivity",
        order=32,
        summary="Matches the set of patterns that the channels respond to, whichever channel shows which.",
        matches="the distribution of channels' maps",
        knowledge="relations",
        paper="1707.01219",
        default_weight=50.0,
        restoration_weight=0.005,
        formula=r"\overline{k(s,s')}+\overline{k(t,t')}-2\,\overline{k(s,t)},\quad k(x,y)=(x^\top y)^2",
        layers="last",
        loss=_loss,
        fits=feature_maps,
        memory=_memory,
    )
)
