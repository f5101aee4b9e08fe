"""Zooming in and out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.affine import turn_and_scale
from kdexplorer.data.chance import chosen, only, uniform
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_FACTOR = 2.0


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`chosen` bool [B] and the factor `scale` [B], as often below 1 as above."""
    limit = math.log(MAX_FACTOR) * strength
    return {
        "chosen": chosen(shape[0], probability, generator),
        "scale": uniform(shape[0], -limit, limit, generator).exp(),
    }


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    zoomed = turn_and_scale(images, torch.zeros_like(sampled["scale"]), sampled["scale"])
    return only(sampled["chosen"], zoomed, images).clamp(0, 1), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="scale",
        title="Scale",
        summary="Zooms in or out by up to 2×; the image is mirrored at its border.",
        sample=sample,
        apply=apply,
    )
)
