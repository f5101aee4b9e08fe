"""A patch of another image, and the labels mixed by its area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, uniform
from kdexplorer.data.rectangle import random_rectangle, rectangle_mask
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_SHARE = 0.5


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """The `partner` of each image, int64 [B], and the `rectangle` it fills, int64 [B, 4]; empty: none."""
    side = uniform(shape[0], 0, MAX_SHARE * strength, generator).sqrt()
    rectangle = random_rectangle(side, shape[-1], generator)
    on = chosen(shape[0], probability, generator)
    return {
        "partner": torch.randperm(shape[0], generator=generator, device=generator.device),
        "rectangle": rectangle * on[:, None],
    }


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    partner = sampled["partner"]
    patch = rectangle_mask(sampled["rectangle"], images.shape[-1])
    mixed = torch.where(patch[:, None], images[partner], images)
    if labels is not None:
        share = patch.float().mean(dim=(1, 2))[:, None]
        labels = labels * (1 - share) + labels[partner] * share
    return mixed, labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="cutmix",
        title="CutMix",
        summary="Pastes a patch of another image, up to half the area, and mixes the labels by area.",
        tasks=("classification",),
        paper="1905.04899",
        sample=sample,
        apply=apply,
    )
)
