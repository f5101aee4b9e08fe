"""Probabilistic knowledge transfer: similarities within a batch, read as probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.distillation.embedding import embedding, images_to_relate, some_features, unit
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision

EPSILON = 1e-7


def affinity(embeddings: Tensor) -> Tensor:
    """(cos + 1) / 2 of all pairs, each row summing to 1: [B, D] → [B, B]."""
    directions = unit(embeddings, EPSILON)
    closeness = (directions @ directions.T + 1) / 2
    return closeness / closeness.sum(dim=1, keepdim=True)


def pkt_loss(student_embedding: Tensor, teacher_embedding: Tensor) -> Tensor:
    """Mean over B² of p_t · log((p_t + ε) / (p_s + ε)), p the cosine affinities of a batch as probabilities.

    Args:
        student_embedding, teacher_embedding: [B, D], B ≥ 2; D may differ.

    Paper: Passalis, Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer", arXiv 1803.10837.
    """
    student = affinity(full_precision(student_embedding))
    teacher = affinity(full_precision(teacher_embedding))
    return (teacher * ((teacher + EPSILON).log() - (student + EPSILON).log())).mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    return torch.stack([pkt_loss(embedding(s), embedding(t)) for s, t in signals.features]).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    return 4 * 10 * pair.batch**2 * len(pair.features)


METHODS.add(
    MethodSpec(
        id="pkt",
        title="Probabilistic transfer",
        order=43,
        summary="Matches, for every image, how likely each other image of the batch is its neighbour.",
        matches="neighbourhoods of images, as probabilities",
        knowledge="relations",
        paper="1803.10837",
        default_weight=3e4,
        restoration_weight=0.5,
        formula=r"\frac{1}{B^2}\sum_{i,j} p^t_{ij}\log\frac{p^t_{ij}}{p^s_{ij}},"
        r"\quad p_{ij}\propto\frac{\cos(f_i,f_j)+1}{2}",
        layers="last",
        loss=_loss,
        fits=lambda pair: some_features(pair) or images_to_relate(pair, 2),
        memory=_memory,
    )
)
