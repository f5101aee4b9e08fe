"""Similarity preserving: images that the teacher finds alike are alike to the student."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.embedding import images_to_relate, some_features
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision


def similarity(feature: Tensor) -> Tensor:
    """F Fᵀ of the flattened features [B, …], its rows divided by their L2 norm: [B, B]."""
    flat = full_precision(feature).flatten(1)
    return F.normalize(flat @ flat.T, p=2, dim=1)


def similarity_preserving_loss(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    """‖G_t − G_s‖² / B² (Frobenius), G the row-normalised Gram matrix of the batch.

    Args:
        student_feature, teacher_feature: [B, …], B ≥ 2; sizes and channel counts may differ.

    Paper: Tung, Mori, "Similarity-Preserving Knowledge Distillation", arXiv 1907.09682.
    """
    return (similarity(student_feature) - similarity(teacher_feature)).square().mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    return torch.stack([similarity_preserving_loss(*pair) for pair in signals.features]).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    flat = pair.batch * sum(prod(student) for student, _ in pair.features)
    return 4 * (flat + 8 * pair.batch**2 * len(pair.features))


METHODS.add(
    MethodSpec(
        id="similarity_preserving",
        title="Similarity preserving",
        order=40,
        summary="Matches which images of a batch the features find alike.",
        matches="similarity between images",
        knowledge="relations",
        paper="1907.09682",
        default_weight=3000.0,
        restoration_weight=0.03,
        formula=r"\frac{1}{B^2}\left\|\tilde G_t-\tilde G_s\right\|_F^2,\quad \tilde G = \mathrm{rows}(FF^\top)/\|\cdot\|_2",
        layers="last",
        loss=_loss,
        fits=lambda pair: some_features(pair) or images_to_relate(pair, 2),
        memory=_memory,
    )
)
