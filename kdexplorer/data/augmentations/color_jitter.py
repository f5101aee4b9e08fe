"""Brightness, contrast and saturation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, uniform
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_CHANGE = 0.6
LUMA = (0.299, 0.587, 0.114)


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """Factors `brightness`, `contrast` and `saturation`, [B] around 1; all 1 leave an image as it is."""
    change = MAX_CHANGE * strength
    on = chosen(shape[0], probability, generator)
    drawn = {
        name: uniform(shape[0], 1 - change, 1 + change, generator)
        for name in ("brightness", "contrast", "saturation")
    }
    return {name: torch.where(on, factor, 1.0) for name, factor in drawn.items()}


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    brightness, contrast, saturation = (
        sampled[name].view(-1, 1, 1, 1) for name in ("brightness", "contrast", "saturation")
    )
    jittered = (images * brightness).clamp(0, 1)
    mean = jittered.mean(dim=(1, 2, 3), keepdim=True)
    jittered = (jittered * contrast + mean * (1 - contrast)).clamp(0, 1)
    if images.shape[1] == 3:
        luma = (jittered * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        jittered = (jittered * saturation + luma * (1 - saturation)).clamp(0, 1)
    return jittered, labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="color_jitter",
        title="Color jitter",
        summary="Changes brightness, contrast and saturation by up to 60 %.",
        sample=sample,
        apply=apply,
    )
)
