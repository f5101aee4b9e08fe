"""Mirroring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, only
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled
from kdexplorer.params import Param


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """`horizontal` and `vertical`, bool [B]."""
    horizontal = chosen(shape[0], probability, generator)
    vertical = chosen(shape[0], probability if params["vertical"] else 0.0, generator)
    return {"horizontal": horizontal, "vertical": vertical}


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    images = only(sampled["horizontal"], images.flip(3), images)
    return only(sampled["vertical"], images.flip(2), images), labels


AUGMENTATIONS.add(
    AugmentationSpec(
        id="flip",
        title="Flip",
        summary="Mirrors the image left to right; strength does not matter.",
        params=(Param(name="vertical", default=False, help="Also upside down, drawn on its own."),),
        sample=sample,
        apply=apply,
        exact=True,
    )
)
