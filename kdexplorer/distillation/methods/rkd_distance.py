"""Relational distillation, distances: images as far apart as the teacher has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.embedding import TINY, embedding, images_to_relate, some_features
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision
from kdexplorer.distillation.pairwise import centred_products, distances


def relative_distances(embeddings: Tensor) -> Tensor:
    """Distances of all pairs over the mean of those that are not zero: [B, D] → [B, B]."""
    distance = distances(centred_products(embeddings))
    mean = distance.sum() / (distance > 0).sum().clamp_min(1)
    return distance / mean.clamp_min(TINY)


def rkd_distance_loss(student_embedding: Tensor, teacher_embedding: Tensor) -> Tensor:
    """Smooth L1 (δ = 1) of the relative distances, mean over all B² pairs.

    Args:
        student_embedding, teacher_embedding: [B, D], B ≥ 2; D may differ.

    Paper: Park et al., "Relational Knowledge Distillation", arXiv 1904.05068.
    """
    student = relative_distances(full_precision(student_embedding))
    return F.smooth_l1_loss(student, relative_distances(full_precision(teacher_embedding)))


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    losses = [rkd_distance_loss(embedding(s), embedding(t)) for s, t in signals.features]
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    return 4 * 10 * pair.batch**2 * len(pair.features)


METHODS.add(
    MethodSpec(
        id="rkd_distance",
        title="RKD distance",
        order=41,
        summary="Matches how far apart the images of a batch are in feature space.",
        matches="distances between images",
        knowledge="relations",
        paper="1904.05068",
        default_weight=25.0,
        restoration_weight=0.01,
        formula=r"\frac{1}{B^2}\sum_{i,j} \ell_\delta\left(\frac{\|s_i-s_j\|}{\mu_s},\frac{\|t_i-t_j\|}{\mu_t}\right)",
        layers="last",
        loss=_loss,
        fits=lambda pair: some_features(pair) or images_to_relate(pair, 2),
        memory=_memory,
    )
)
