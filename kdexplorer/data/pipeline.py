"""What happens to a batch: augmentations make it richer, degradations make its input worse, both in order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kdexplorer.config import Augmentation, Component
from kdexplorer.data.spec import AUGMENTATIONS, DEGRADATIONS


def augment(
    images: Tensor, labels: Tensor | None, augmentations: Sequence[Augmentation], generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Augment float [B, C, S, S] in [0, 1] and, where given, labels float [B, K].

    `generator` lives on the images' device.

    Raises:
        ConfigError: an unknown augmentation, or a parameter out of bounds.
    """
    for chosen in augmentations:
        spec = AUGMENTATIONS[chosen.id]
        params = spec.check(chosen.params)
        sampled = spec.sample(images.shape, chosen.probability, chosen.strength, params, generator)
        images, labels = spec.apply(images, labels, sampled)
    return images, labels


def degrade(images: Tensor, degradations: Sequence[Component], generator: torch.Generator) -> Tensor:
    """Degrade float [B, C, H, W] in [0, 1]; the result may leave [0, 1] and is smaller by `scale_of`.

    Raises:
        ConfigError: an unknown degradation, or a parameter out of bounds.
    """
    for chosen in degradations:
        spec = DEGRADATIONS[chosen.id]
        params = spec.check(chosen.params)
        images = spec.apply(images, spec.sample(images.shape, params, generator), params)
    return images


def scale_of(degradations: Sequence[Component]) -> int:
    """By how much all degradations together shrink each side."""
    scale = 1
    for chosen in degradations:
        spec = DEGRADATIONS[chosen.id]
        scale *= spec.scale(spec.check(chosen.params))
    return scale
