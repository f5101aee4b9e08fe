"""Inner products and distances of all pairs of a batch's embeddings, by one matrix product."""

from __future__ import annotations

import torch
from torch import Tensor


def centred_products(embeddings: Tensor) -> Tensor:
    """(e_i − ē) · (e_j − ē), ē the batch's mean: [B, D] → [B, B].

    Distances and angles do not see the mean, but rounding does: far from the origin it would swallow them.
    """
    centred = embeddings - embeddings.mean(dim=0)
    return centred @ centred.T


def distances(products: Tensor) -> Tensor:
    """‖e_i − e_j‖ from the inner products [B, B]; 0, without gradient, where it drowns in their rounding."""
    squares = products.diagonal()
    both = squares[:, None] + squares
    squared = both - 2 * products
    apart = squared > 4 * torch.finfo(products.dtype).eps * both
    apart = apart & ~torch.eye(len(products), dtype=torch.bool, device=products.device)
    return torch.where(apart, squared, 1.0).sqrt() * apart
