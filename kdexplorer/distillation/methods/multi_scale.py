"""Multi-scale distillation: early layers by value, late ones by where they are active, as the degradation asks."""

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
    same_size,
)
from kdexplorer.distillation.residual import kind_and_strength, residual
from kdexplorer.params import Param

REACH = 0.35  # of the depth, from the first layer (0) to the last (1), over which a path's weight falls
STRONG = 50.0  # grey levels at which half of what is fine is lost


def path_weights(fine: Tensor, strength: Tensor, levels: int) -> Tensor:
    """How much each level counts for each image: [B], [B] → [B, levels], rows sum to 1.

    q = 1 − fine · 50 / (50 + strength) is the depth that is asked for, and w_l ∝ exp(−(l / (L − 1) − q)² / (2 · 0.35²)):
    weak fine noise is a matter of the first layers, haze, blur and whatever is strong one of the last.

    Args:
        fine: share of the residual's energy that is fine, in [0, 1].
        strength: its root mean square in grey levels of 255.
    """
    depth = torch.linspace(0, 1, levels, device=fine.device, dtype=fine.dtype)
    asked = 1 - fine * STRONG / (STRONG + strength)
    weights: Tensor = torch.softmax(-((depth - asked[:, None]) ** 2) / (2 * REACH**2), dim=1)
    return weights


def multi_scale_loss(
    student_features: Sequence[Tensor],
    teacher_features: Sequence[Tensor],
    weights: Tensor,
    temperature: float,
) -> Tensor:
    """Mean over the batch of Σ_l w_l · d_l.

    d_l of the first half of the levels is the mean square of the difference of both maps, each of mean 0 and variance
    1 over the image; of the others T² · KL(p_t ‖ p_s) over positions, p = softmax(F / T), averaged over channels.

    Args:
        student_features, teacher_features: by level [B, C, H, W], of equal shapes.
        weights: w, [B, levels].
        temperature: T > 0 of the late levels.

    Paper: the late levels after Shu et al., "Channel-wise Knowledge Distillation for Dense Prediction",
    arXiv 2011.13256; the weights are this project's.
    """
    count = len(student_features)
    found = []
    for level, (student, teacher) in enumerate(zip(student_features, teacher_features, strict=True)):
        student, teacher = full_precision(student), full_precision(teacher)
        if level < count / 2:
            found.append((_standardised(student) - _standardised(teacher)).square().mean(dim=(1, 2, 3)))
        else:
            p_s = F.log_softmax(student.flatten(2) / temperature, dim=2)
            p_t = F.log_softmax(teacher.flatten(2) / temperature, dim=2)
            divergence = (p_t.exp() * (p_t - p_s)).sum(dim=2).mean(dim=1)
            found.append(temperature**2 * divergence)
    return (weights * torch.stack(found, dim=1)).sum(dim=1).mean()


def _standardised(feature: Tensor) -> Tensor:
    mean = feature.mean(dim=(1, 2, 3), keepdim=True)
    variance = (feature - mean).square().mean(dim=(1, 2, 3), keepdim=True)
    return (feature - mean) * (variance + 1e-6).rsqrt()


class Paths(nn.Module):
    """A 1×1 convolution a level to the teacher's channels.

    Attributes:
        seen: the last mean share of the first half of the levels.
    """

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Conv2d(student[0], teacher[0], kernel_size=1) for student, teacher in pair.features
        )
        self.seen: dict[str, Tensor] = {}


def _loss(signals: Signals, params: Mapping[str, Any], paths: nn.Module | None) -> Tensor:
    assert isinstance(paths, Paths)
    assert signals.input is not None
    assert signals.target is not None
    sized = [same_size(full_precision(s), full_precision(t)) for s, t in signals.features]
    students = [project(s) for project, (s, _) in zip(paths.projections, sized, strict=True)]
    with torch.no_grad():
        weights = path_weights(*kind_and_strength(residual(signals.input, signals.target)), len(sized))
        shallow = sum(1 for level in range(len(sized)) if level < len(sized) / 2)
        paths.seen = {"share of early layers": weights[:, :shallow].sum(dim=1).mean()}
    return multi_scale_loss(students, [t for _, t in sized], weights, params["temperature"])


METHODS.add(
    MethodSpec(
        id="multi_scale",
        title="Multi-scale features",
        order=52,
        summary="Early layers by value, late ones by where they are active; fine noise asks for early layers, haze for late ones.",
        paper="2011.13256",
        tasks=("restoration",),
        params=(
            Param(
                name="temperature", default=4.0, minimum=0.5, maximum=20.0, live=True,
                help="Of the late layers: above 1 the whole map counts, not only its peak.",
            ),
        ),
        default_weight=0.03,  # a quarter of the gradient when *Denoise a photo* begins
        formula=r"\frac{1}{B}\sum_{b,l} w_l(b)\,d_l,\quad d_l=\mathrm{MSE}\;\mathrm{or}\;T^2\cdot \mathrm{KL},"
        r"\quad w_l\propto e^{-(l/(L-1)-q_b)^2/2\sigma^2}",
        matches="feature maps, weighed by kind and strength of the degradation",
        layers="all",
        whole=True,
        learnable=lambda pair, params: Paths(pair),
        loss=_loss,
        fits=feature_maps,
        memory=lambda pair, params: matched_map_bytes(pair, 6),
    )
)  # fmt: skip
