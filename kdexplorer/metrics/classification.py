"""Accuracy, calibration and agreement of classifiers, from their logits."""

from __future__ import annotations

import torch
from torch import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """1 where the largest logit is the label's, else 0: float [B] from [B, C] and int64 [B]."""
    return (logits.argmax(dim=1) == labels).float()


def per_class_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of every class's images that are recognised, float [C]; NaN for a class without images."""
    classes = logits.shape[1]
    hits = torch.zeros(classes, device=logits.device).index_add_(0, labels, accuracy(logits, labels))
    return hits / torch.bincount(labels, minlength=classes)


def expected_calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> Tensor:
    """Mean gap of confidence and accuracy over equal bins of confidence, scalar in [0, 1] (1706.04599)."""
    confidence = logits.float().softmax(dim=1).amax(dim=1)
    gap = accuracy(logits, labels) - confidence
    bin_of = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(bins, dtype=gap.dtype, device=gap.device).index_add_(0, bin_of, gap)
    return gaps.abs().sum() / len(labels)


def agreement(logits_a: Tensor, logits_b: Tensor) -> Tensor:
    """1 where two networks choose the same class, right or wrong, else 0: float [B]."""
    return (logits_a.argmax(dim=1) == logits_b.argmax(dim=1)).float()
