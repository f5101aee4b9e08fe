"""What happens to a batch: augmentations make it richer, degradations make its input worse, both in order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kdexplorer.config import Augmentation, Component, DataConfig
from kdexplorer.data.spec import AUGMENTATIONS, DEGRADATIONS, SOURCES
from kdexplorer.params import ConfigError


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


def augment_pairs(
    worse: Tensor, clean: Tensor, augmentations: Sequence[Augmentation], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Augment degraded [B, C, S, S] and clean [B, C, scale·S, scale·S] images alike.

    Raises:
        ConfigError: as `augment`, or one that does more than to move pixels.
    """
    for chosen in augmentations:
        if not AUGMENTATIONS[chosen.id].exact:
            raise ConfigError(
                f"{chosen.id} would make other pairs of the given ones: leave it out, or take flip and rotate."
            )
    scale, channels = clean.shape[-1] // worse.shape[-1], clean.shape[1]
    # Each degraded pixel becomes a block of the clean one's size: what moves blocks moves both alike.
    blocks = worse.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    both, _ = augment(torch.cat((blocks, clean), dim=1), None, augmentations, generator)
    return both[:, :channels, ::scale, ::scale], both[:, channels:]


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


def channels_and_scale(data: DataConfig) -> tuple[int, int]:
    """Channels of a restoration's images, and by how much the clean ones are larger than the degraded.

    Raises:
        ConfigError: an unknown source or degradation, or a parameter out of bounds.
    """
    source = SOURCES[data.source.id]
    if source.paired:
        channels, scale = source.form(source.check(data.source.params))
    else:
        channels, scale = 3, scale_of(data.degradations)
    return (1 if data.gray else channels), scale
