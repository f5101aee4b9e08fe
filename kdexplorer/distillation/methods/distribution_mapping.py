"""DCKD's distribution mapping: the picture as categories of a codebook."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.distillation.method import full_precision


def log_categories(feature: Tensor, codebook: Tensor) -> Tensor:
    """log softmax(−d) over the code words, d the squared distances: [B, D, H, W], [K, D] → [B, K, H, W]."""
    words = full_precision(codebook)
    # −d = 2 z·e − ‖e‖² − ‖z‖², and ‖z‖² is the same for all words: without it large features lose no digits
    products = torch.einsum("bdhw,kd->bkhw", full_precision(feature), words)
    return F.log_softmax(2 * products - words.square().sum(dim=1)[:, None, None], dim=1)


def distribution_mapping_loss(student_feature: Tensor, teacher_feature: Tensor, codebook: Tensor) -> Tensor:
    """−Σ_k C_t log C_s, averaged over batch and positions, with C = softmax(−‖z − e_k‖²).

    Least where both agree, and then the teacher's entropy, not 0.

    Args:
        student_feature, teacher_feature: z, an encoder's features of both outputs, [B, D, H, W].
        codebook: e, K frozen code words, [K, D].

    Paper: Zhou et al., "Dynamic Contrastive Knowledge Distillation", arXiv 2412.08939.
    """
    student, teacher = (log_categories(z, codebook) for z in (student_feature, teacher_feature))
    return -(teacher.exp() * student).sum(dim=1).mean()
