"""Two images, one over the other, and their labels in the same proportion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, uniform
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_SHARE = 0.5


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """The `partner` of each image, int64 [B], and the partner's `share` [B] in [0, 0.5].

    At full strength as the paper's Beta(1, 1): a share above one half is the same pair turned round.
    """
    share = uniform(shape[0], 0, MAX_SHARE * strength, generator)
    return {
        "partner": torch.randperm(shape[0], generator=generator, device=generator.device),
        "share": share * chosen(shape[0], probability, generator),
    }


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    share, partner = sampled["share"].view(-1, 1, 1, 1), sampled["partner"]
    mixed = images * (1 - share) + images[partner] * share
    if labels is not None:
        share = share.view(-1, 1)
        labels = labels * (1 - share) + labels[partner] * share
    return mixed, labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="mixup",
        title="Mixup",
        summary="Lays another image over each, by up to one half, and mixes the labels alike.",
        tasks=("classification",),
        paper="1710.09412",
        sample=sample,
        apply=apply,
    )
)
