"""Gaussian noise on what the network sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, uniform
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_SIGMA = 0.2


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`sigma` [B] and `noise` [B, C, H, W] of unit variance; σ 0 leaves an image as it is."""
    sigma = uniform(shape[0], 0, MAX_SIGMA * strength, generator)
    return {
        "sigma": sigma * chosen(shape[0], probability, generator),
        "noise": torch.randn(tuple(shape), generator=generator, device=generator.device),
    }


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    return (images + sampled["sigma"].view(-1, 1, 1, 1) * sampled["noise"]).clamp(0, 1), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="noise",
        title="Noise",
        summary="Adds Gaussian noise of σ up to 51 of 255.",
        tasks=("classification",),
        sample=sample,
        apply=apply,
    )
)
