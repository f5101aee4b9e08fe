"""A gray square over a part of the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, only
from kdexplorer.data.rectangle import random_rectangle, rectangle_mask
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_SIDE = 0.6  # of the image's


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`chosen` bool [B] and `rectangle` int64 [B, 4]; its centre may lie at the border, which cuts it."""
    side = torch.full((shape[0],), MAX_SIDE * strength, device=generator.device)
    rectangle = random_rectangle(side, shape[-1], generator)
    return {"chosen": chosen(shape[0], probability, generator), "rectangle": rectangle}


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    hole = rectangle_mask(sampled["rectangle"], images.shape[-1])[:, None]
    return only(sampled["chosen"], torch.where(hole, 0.5, images), images), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="cutout",
        title="Cutout",
        summary="Hides a square of up to 60 % of the side behind gray.",
        tasks=("classification",),
        paper="1708.04552",
        sample=sample,
        apply=apply,
    )
)
