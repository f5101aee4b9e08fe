"""DCKD's contrast: nearer to the teacher than to what earlier students made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.data.draws import generator
from kdexplorer.distillation.category_encoders import ENCODER, category_encoder, feature_bytes, too_small
from kdexplorer.distillation.contrast import EPSILON, LEVEL_WEIGHTS, contrast_distances, contrast_ratio
from kdexplorer.distillation.history import HistoryStudent
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision, same_images
from kdexplorer.distillation.vq_encoder import CategoryEncoder
from kdexplorer.params import Param

NOISE = (1.0, 30.0)  # σ of 255 that a noisier input gets


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


def dynamic_negatives(history: nn.Module, images: Tensor, count: int, draws: torch.Generator) -> list[Tensor]:
    """What the history student makes of the input and of `count` − 1 noisier ones: each [B, C, sH, sW].

    Every image gets a strength of its own, σ ~ U[1, 30] / 255, and stays in [0, 1].

    Args:
        images: the networks' input [B, C, H, W].
    """
    worse = [images]
    for _ in range(count - 1):
        sigma = (
            torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(*NOISE, generator=draws) / 255
        )
        noise = torch.randn(images.shape, generator=draws, device=images.device)
        worse.append((images + sigma * noise).clamp(0, 1))
    made: Tensor = history(torch.cat(worse))
    return list(made.chunk(count))


class Contrast(nn.Module):
    """An encoder and the history student; the encoder is in no checkpoint.

    Attributes:
        seen: the last distances to the teacher and, on average, to a negative, weighted over the levels.
    """

    def __init__(self, encoder: CategoryEncoder, interval: int) -> None:
        super().__init__()
        self.encoder, self.history = encoder, HistoryStudent(interval)
        self.seen: dict[str, Tensor] = {}

    def look(self, near: Tensor, far: Tensor, negatives: int) -> None:
        weights = near.new_tensor(LEVEL_WEIGHTS)
        mean = weights / weights.sum()
        self.seen = {
            "to the teacher": (mean * near.detach()).sum(),
            "to the negatives": (mean * far.detach()).sum() / negatives,
        }


def _negatives(signals: Signals, params: Mapping[str, Any], contrast: Contrast) -> list[Tensor]:
    assert signals.input is not None
    image = full_precision(signals.input)
    draws = generator(image.device, "contrastive_regularization", signals.seed)
    return dynamic_negatives(contrast.history, image, params["negatives"], draws)


def _loss(signals: Signals, params: Mapping[str, Any], contrast: nn.Module | None) -> Tensor:
    assert isinstance(contrast, Contrast)
    made = _negatives(signals, params, contrast)
    levels = contrast.encoder.levels
    with torch.no_grad():
        positive, *negatives = (levels(image) for image in (signals.teacher_output, *made))
    near, far = contrast_distances(levels(signals.student_output), positive, negatives)
    contrast.look(near, far, len(made))
    return (near.new_tensor(LEVEL_WEIGHTS) * near / (far + EPSILON)).sum()


def _pictures(
    signals: Signals, params: Mapping[str, Any], contrast: nn.Module | None
) -> list[tuple[str, Tensor]]:
    assert isinstance(contrast, Contrast)
    made = _negatives(signals, params, contrast)
    names = [
        "negative: the input as it is",
        *(f"negative {i}: a noisier input" for i in range(2, len(made) + 1)),
    ]
    anchor = [("student", signals.student_output), ("positive: the teacher", signals.teacher_output)]
    return [*anchor, *zip(names, made, strict=True)]


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    return (2 + int(params["negatives"])) * pair.batch * feature_bytes(params, pair)


METHODS.add(
    MethodSpec(
        id="contrastive_regularization",
        title="Dynamic contrast (DCKD)",
        order=62,
        summary="Pulls the image towards the teacher's and away from what the student itself made a while ago.",
        paper="2412.08939",
        tasks=("restoration",),
        params=(
            ENCODER,
            Param(
                name="interval", default=20, minimum=1, maximum=100_000, log=True,
                help="Steps between two renewals of the history student; the authors take 1000 of 250,000.",
            ),
            Param(
                name="negatives", default=5, minimum=1, maximum=16,
                help="Pictures of the history student: of the input itself, and of noisier ones.",
            ),
        ),
        default_weight=0.1,
        restoration_weight=0.001,  # with the authors' 0.1 it has 98 % of the gradient when *Denoise a photo* begins
        formula=r"\sum_i \lambda_i\frac{\left\|\phi_i(y_s)-\phi_i(y_t)\right\|_1}"
        r"{\sum_j\left\|\phi_i(y_s)-\phi_i(h(x_j))\right\|_1}",
        matches="the output image in an encoder's features, against the student's past",
        knowledge="responses",
        learnable=lambda pair, params: Contrast(category_encoder(params), params["interval"]),
        loss=_loss,
        fits=lambda pair: same_images(pair) or too_small(pair),
        memory=_memory,
        shows=lambda pair, params: int(params["negatives"]) * pair.batch,
        pictures=_pictures,
    )
)  # fmt: skip
