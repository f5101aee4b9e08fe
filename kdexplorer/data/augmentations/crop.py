"""Random crops of the padded image (the standard augmentation of CIFAR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.chance import chosen
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled

MAX_SHIFT = 0.25  # of the side


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`shift` in pixels, int64 [B, 2] as (down, right); 0 leaves an image as it is."""
    limit = round(MAX_SHIFT * strength * shape[-1])
    shift = torch.randint(-limit, limit + 1, (shape[0], 2), generator=generator, device=generator.device)
    return {"shift": shift * chosen(shape[0], probability, generator)[:, None]}


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    side = images.shape[-1]
    pad = int(MAX_SHIFT * side) + 1
    padded = F.pad(images, (pad, pad, pad, pad))
    line = torch.arange(side, device=images.device) + pad
    rows, columns = (sampled["shift"][:, axis, None] + line for axis in (0, 1))
    picture = torch.arange(len(images), device=images.device)[:, None, None]
    cropped = padded.permute(0, 2, 3, 1)[picture, rows[:, :, None], columns[:, None, :]]
    return cropped.permute(0, 3, 1, 2), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="crop",
        title="Crop",
        summary="Shifts the image by up to a quarter of its side; black comes in from outside.",
        tasks=("classification",),
        sample=sample,
        apply=apply,
    )
)
