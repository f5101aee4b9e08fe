"""DCKD's contrast: nearer to the teacher than to what earlier students made."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from kdexplorer.distillation.contrast import contrast_ratio


def contrastive_regularization_loss(
    anchor: Sequence[Tensor], positive: Sequence[Tensor], negatives: Sequence[Sequence[Tensor]]
) -> Tensor:
    """Σ_i λ_i · mean|f_iS − f_iT| / (mean(Σ_j |f_iS − f_iN_j|) + 1e-7), λ = 1/32, 1/16, 1/8, 1/4, 1.

    The gradient flows through both parts.

    Args:
        anchor: the student's output in the five levels of an encoder, each [B, C, H, W].
        positive: the teacher's.
        negatives: the history students', one such list each.

    Paper: Zhou et al., "Dynamic Contrastive Knowledge Distillation", arXiv 2412.08939.
    """
    return contrast_ratio(anchor, positive, negatives)
