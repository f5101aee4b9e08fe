"""Masked generative distillation: the student restores the teacher's features from a part of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.data.draws import generator
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


def masked_generative_loss(generated: Tensor, teacher_feature: Tensor) -> Tensor:
    """Sum over channels and positions of the squared difference, averaged over the batch.

    Args:
        generated: what the generator made of the student's masked feature, [B, C, H, W].
        teacher_feature: [B, C, H, W].

    Paper: Yang et al., "Masked Generative Distillation", arXiv 2205.01529.
    """
    difference = full_precision(generated) - full_precision(teacher_feature)
    return difference.square().sum() / difference.shape[0]


def keep_mask(feature: Tensor, ratio: float, draws: torch.Generator) -> Tensor:
    """[B, 1, H, W] of ones and zeros: a position is kept, in all channels, with probability 1 − `ratio`."""
    batch, _, height, width = feature.shape
    drawn = torch.rand(batch, 1, height, width, generator=draws, device=feature.device)
    return (drawn >= ratio).to(feature.dtype)


class Generator(nn.Module):
    """Aligns the channels by a 1×1 convolution where they differ, masks, and generates by two 3×3 convolutions."""

    def __init__(self, channels: int, teacher_channels: int) -> None:
        super().__init__()
        same = channels == teacher_channels
        self.align = nn.Identity() if same else nn.Conv2d(channels, teacher_channels, kernel_size=1)
        self.generate = nn.Sequential(
            nn.Conv2d(teacher_channels, teacher_channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(teacher_channels, teacher_channels, kernel_size=3, padding=1),
        )

    def forward(self, student: Tensor, ratio: float, draws: torch.Generator) -> Tensor:
        aligned = self.align(student)
        generated: Tensor = self.generate(aligned * keep_mask(aligned, ratio, draws))
        return generated


def _generators(pair: Pair, params: Mapping[str, Any]) -> nn.Module:
    return nn.ModuleList(Generator(student[0], teacher[0]) for student, teacher in pair.features)


def _loss(signals: Signals, params: Mapping[str, Any], generators: nn.Module | None) -> Tensor:
    assert isinstance(generators, nn.ModuleList)
    draws = generator(signals.student_output.device, "mgd", signals.seed)
    losses = []
    for generate, pair in zip(generators, signals.features, strict=True):
        student, teacher = same_size(full_precision(pair[0]), full_precision(pair[1]))
        losses.append(masked_generative_loss(generate(student, params["mask_ratio"], draws), teacher))
    return torch.stack(losses).sum()


METHODS.add(
    MethodSpec(
        id="mgd",
        title="Masked generation (MGD)",
        order=60,
        summary="Hides a part of the student's feature map and has the teacher's whole map generated from the rest.",
        paper="2205.01529",
        params=(
            Param(
                name="mask_ratio", default=0.65, minimum=0.0, maximum=0.95, live=True,
                help="Share of the positions that are hidden, drawn anew at every step.",
            ),
        ),
        default_weight=2e-5,
        formula=r"\frac{1}{B}\sum \left(G(M \odot f(F_s)) - F_t\right)^2,\quad \mathrm{mean}(M) = 1-\lambda",
        matches="the teacher's feature map, from a part of the student's",
        layers="last",
        learnable=_generators,
        loss=_loss,
        fits=feature_maps,
        memory=lambda pair, params: matched_map_bytes(pair, copies=5),
    )
)  # fmt: skip
