"""Rotation: a small angle where a class is learned, quarter turns where pixels are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.affine import turn_and_scale
from kdexplorer.data.chance import chosen, only, uniform
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_ANGLE = 30.0  # degrees


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`chosen` bool [B], `angle` in radians [B], `turns` int64 [B] from 1 to 3."""
    batch, limit = shape[0], math.radians(MAX_ANGLE) * strength
    return {
        "chosen": chosen(batch, probability, generator),
        "angle": uniform(batch, -limit, limit, generator),
        "turns": torch.randint(1, 4, (batch,), generator=generator, device=generator.device),
    }


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    """Without labels the task is restoration, and turning by quarters invents no pixel."""
    if labels is None:
        turns = sampled["turns"] * sampled["chosen"]
        turned = images
        for count in (1, 2, 3):
            turned = only(turns == count, images.rot90(count, (2, 3)), turned)
        return turned, None
    turned = turn_and_scale(images, sampled["angle"], torch.ones_like(sampled["angle"]))
    return only(sampled["chosen"], turned, images).clamp(0, 1), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="rotate",
        title="Rotate",
        summary="Classification: by up to 30°. Restoration: by quarter turns, so that no pixel is invented.",
        sample=sample,
        apply=apply,
        exact=True,
    )
)
