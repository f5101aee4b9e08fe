"""DCKD's distribution mapping: the picture as categories of a codebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.category_encoders import ENCODER, category_encoder, feature_bytes, too_small
from kdexplorer.distillation.category_map import category_colors
from kdexplorer.distillation.method import METHODS, MethodSpec, Signals, full_precision, same_images
from kdexplorer.distillation.vq_encoder import CategoryEncoder, nearest_words


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


class Categories(nn.Module):
    """A frozen encoder.

    Attributes:
        seen: the share of places at which student and teacher last had the same nearest word.
    """

    def __init__(self, encoder: CategoryEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.seen: dict[str, Tensor] = {}


def _loss(signals: Signals, params: Mapping[str, Any], categories: nn.Module | None) -> Tensor:
    assert isinstance(categories, Categories)
    encoder = categories.encoder
    student = encoder.latent(signals.student_output)
    with torch.no_grad():
        teacher = encoder.latent(signals.teacher_output)
        words = (nearest_words(z, encoder.codebook) for z in (student.detach(), teacher))
        categories.seen = {"same category": torch.eq(*words).float().mean()}
    return distribution_mapping_loss(student, teacher, encoder.codebook)


def _pictures(
    signals: Signals, params: Mapping[str, Any], categories: nn.Module | None
) -> list[tuple[str, Tensor]]:
    assert isinstance(categories, Categories)
    encoder = categories.encoder
    shown = []
    for name, image in (("student", signals.student_output), ("teacher", signals.teacher_output)):
        with torch.no_grad():
            words = nearest_words(encoder.latent(image), encoder.codebook)
        colors = category_colors(words, len(encoder.codebook))
        shown.append((f"categories of the {name}", F.interpolate(colors, image.shape[-2:], mode="nearest")))
    return shown


METHODS.add(
    MethodSpec(
        id="distribution_mapping",
        title="Distribution mapping (DCKD)",
        order=64,
        summary="Matches which words of a codebook describe the teacher's image, place by place.",
        paper="2412.08939",
        tasks=("restoration",),
        params=(ENCODER,),
        default_weight=0.001,
        formula=r"-\frac{1}{N}\sum_{n,k} C_t\log C_s,\quad C = \mathrm{softmax}_k\!\left(-\|z - e_k\|^2\right)",
        matches="the distribution over a codebook's words",
        knowledge="responses",
        learnable=lambda pair, params: Categories(category_encoder(params)),
        loss=_loss,
        fits=lambda pair: same_images(pair) or too_small(pair),
        memory=lambda pair, params: 2 * pair.batch * feature_bytes(params, pair),
        pictures=_pictures,
    )
)  # fmt: skip
