"""Gaussian blur."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.chance import chosen, only, uniform
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
    batch, channels, height, width = images.shape
    radius = min(height - 1, width - 1, math.ceil(3 * MAX_SIGMA * width))
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-(offsets**2) / (2 * sampled["sigma"][:, None] ** 2))
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    # One channel of one image is one group, so that every image has its own kernel.
    padded = F.pad(images, (radius, radius, radius, radius), mode="reflect").reshape(
        1, batch * channels, height + 2 * radius, width + 2 * radius
    )
    blurred = F.conv2d(padded, kernel[:, None, :, None], groups=batch * channels)
    blurred = F.conv2d(blurred, kernel[:, None, None, :], groups=batch * channels)
    return only(sampled["chosen"], blurred.view(images.shape), images).clamp(0, 1), labels


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
