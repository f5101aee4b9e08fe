"""CSD: nearer to the teacher's image than to other images of the batch, in a frozen encoder's eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.data.resize import bicubic_upsample
from kdexplorer.distillation.contrast import LEVEL_WEIGHTS, contrast_ratio
from kdexplorer.distillation.image_encoder import ImageEncoder, feature_bytes, random_encoder, vgg19_encoder
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision, same_images
from kdexplorer.params import Param


def image_contrastive_loss(
    anchor: Sequence[Tensor],
    positive: Sequence[Tensor],
    negatives: Sequence[Sequence[Tensor]],
    level_weights: Sequence[float] = LEVEL_WEIGHTS,
) -> Tensor:
    """Σ_i w_i · L1(T_i, S_i) / (mean(Σ_j |N_ij − S_i|) + 1e-7), w = 1/32, 1/16, 1/8, 1/4, 1.

    Args:
        anchor: the student's image S in the levels of an encoder, each [B, C, H, W].
        positive: the teacher's image T.
        negatives: other low-quality images N, one such list each.

    Paper: Wang et al., "Towards Compact Single Image Super-Resolution via Contrastive Self-distillation",
    arXiv 2105.11683.
    """
    return contrast_ratio(anchor, positive, negatives, level_weights)


def _encoder(pair: Pair, params: Mapping[str, Any]) -> ImageEncoder:
    build = vgg19_encoder if params["encoder"] == "vgg19" else random_encoder
    return build(pair.student_output[0])


def _loss(signals: Signals, params: Mapping[str, Any], encoder: nn.Module | None) -> Tensor:
    assert isinstance(encoder, ImageEncoder)
    assert signals.input is not None
    batch, _, height, _ = signals.student_output.shape
    with torch.no_grad():
        inputs = encoder(bicubic_upsample(full_precision(signals.input), height // signals.input.shape[-2]))
        positive = encoder(signals.teacher_output)
    # shifted by j, every image meets the input of its j-th neighbour and never its own
    count = min(params["negatives"], batch - 1)
    negatives = [[level.roll(shift, dims=0) for level in inputs] for shift in range(1, count + 1)]
    return image_contrastive_loss(encoder(signals.student_output), positive, negatives)


def _fits(pair: Pair) -> str | None:
    if reason := same_images(pair):
        return reason
    if pair.batch < 2:
        return "its negatives are the other images of a batch: choose a batch of at least 2"
    return None


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    # the features of three images before and behind ReLU, and of each negative a rolled copy and a difference
    images = 3 + min(int(params["negatives"]), pair.batch - 1)
    return images * pair.batch * feature_bytes(params["encoder"], pair.student_output)


METHODS.add(
    MethodSpec(
        id="image_contrastive",
        title="Image contrast (CSD)",
        order=60,
        summary="Pulls the student's image towards the teacher's and away from other inputs, in an encoder's features.",
        paper="2105.11683",
        tasks=("restoration",),
        params=(
            Param(
                name="encoder", default="random", choices=("random", "vgg19"),
                help="random is a frozen encoder of random filters that is always there; vgg19 is the paper's, "
                "and needs torchvision's file in torch's hub cache.",
            ),
            Param(
                name="negatives", default=10, minimum=1, maximum=64,
                help="How many other images of the batch each image is held against, at most.",
            ),
        ),
        default_weight=0.8,  # 200 / 255: the authors' 200 stands beside an L1 of images in [0, 255]
        formula=r"\sum_i w_i \frac{\left\|\phi_i(y_s)-\phi_i(y_t)\right\|_1}"
        r"{\sum_j\left\|\phi_i(y_s)-\phi_i(x_j)\right\|_1}",
        matches="the output image in an encoder's features, against other images",
        knowledge="responses",
        learnable=_encoder,
        loss=_loss,
        fits=_fits,
        memory=_memory,
    )
)  # fmt: skip
