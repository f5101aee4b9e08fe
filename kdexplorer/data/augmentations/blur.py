"""Gaussian blur."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, only, uniform
from kdexplorer.data.kernels import gaussian_blur
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_SIGMA = 0.06  # of the side: 2 pixels of 32
MIN_SIGMA = 0.1  # pixels; below it nothing can be seen


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`chosen` bool [B] and the standard deviation `sigma` in pixels [B]."""
    limit = max(MIN_SIGMA, MAX_SIGMA * strength * shape[-1])
    sigma = uniform(shape[0], min(MIN_SIGMA, limit), limit, generator)
    return {"chosen": chosen(shape[0], probability, generator), "sigma": sigma}


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    height, width = images.shape[-2:]
    radius = min(height - 1, width - 1, math.ceil(3 * MAX_SIGMA * width))
    blurred = gaussian_blur(images, sampled["sigma"], radius)
    return only(sampled["chosen"], blurred, images).clamp(0, 1), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="blur",
        title="Blur",
        summary="Blurs with a Gaussian of up to 6 % of the side.",
        tasks=("classification",),
        sample=sample,
        apply=apply,
    )
)
