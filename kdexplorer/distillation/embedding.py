"""One vector an image: what methods compare that look at images' relations rather than at maps."""

from __future__ import annotations

import torch
from torch import Tensor

from kdexplorer.distillation.method import Pair, Shape, full_precision

TINY = 1e-12


def embedding(feature: Tensor) -> Tensor:
    """Mean over positions, in at least float32: maps [B, C, H, W], tokens [B, N, C] or vectors [B, C] → [B, C]."""
    feature = full_precision(feature)
    if feature.ndim == 4:
        return feature.mean(dim=(2, 3))
    return feature.mean(dim=1) if feature.ndim == 3 else feature


def embedding_width(shape: Shape) -> int:
    """C of `embedding` for one image's feature [C, H, W], [N, C] or [C]."""
    return shape[0] if len(shape) == 3 else shape[-1]


def unit(x: Tensor, epsilon: float = 0.0) -> Tensor:
    """x / (‖x‖ + ε) along the last dimension; a zero row stays zero and gets no gradient.

    Division by a clamped norm would multiply a zero row's gradient by the clamp's inverse.
    """
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x * torch.where(norm > TINY, 1 / (norm + epsilon).clamp_min(TINY), 0.0)


def some_features(pair: Pair) -> str | None:
    """At least one pair of layers, each giving maps [C, H, W], tokens [N, C] or vectors [C]."""
    if not pair.features:
        return "it compares features: choose at least one pair of layers"
    if any(not 1 <= len(shape) <= 3 for shapes in pair.features for shape in shapes):
        return "a chosen layer gives neither feature maps nor tokens: choose another layer"
    return None


def images_to_relate(pair: Pair, least: int) -> str | None:
    """At least `least` images a batch."""
    if pair.batch < least:
        return f"it compares the images of a batch with each other: set the batch size to {least} or more"
    return None
