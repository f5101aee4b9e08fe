"""Brightness, contrast, saturation and hue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.chance import chosen, uniform
from kdexplorer.data.gray import LUMA
from kdexplorer.data.spec import AUGMENTATIONS, AugmentationSpec, Sampled
from kdexplorer.params import Param

MAX_CHANGE = 0.6


def sample(
    shape: Sequence[int],
    probability: float,
    strength: float,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> Sampled:
    """Factors `brightness`, `contrast` and `saturation`, [B] around 1, and the angle `hue`, [B] around 0."""
    change = MAX_CHANGE * strength
    on = chosen(shape[0], probability, generator)
    drawn = {
        name: uniform(shape[0], 1 - change, 1 + change, generator)
        for name in ("brightness", "contrast", "saturation")
    }
    factors = {name: torch.where(on, factor, 1.0) for name, factor in drawn.items()}
    turn = math.pi * strength * params["hue"]
    hue = uniform(shape[0], -turn, turn, generator)
    return {**factors, "hue": torch.where(on, hue, 0.0)}


def apply(images: Tensor, labels: Tensor | None, sampled: Sampled) -> tuple[Tensor, Tensor | None]:
    brightness, contrast, saturation = (
        sampled[name].view(-1, 1, 1, 1) for name in ("brightness", "contrast", "saturation")
    )
    jittered = (images * brightness).clamp(0, 1)
    mean = jittered.mean(dim=(1, 2, 3), keepdim=True)
    jittered = (jittered * contrast + mean * (1 - contrast)).clamp(0, 1)
    if images.shape[1] == 3:
        luma = (jittered * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        jittered = jittered * saturation + luma * (1 - saturation)
        jittered = torch.einsum("bij,bjhw->bihw", turns(sampled["hue"]), jittered).clamp(0, 1)
    return jittered, labels


def turns(hue: Tensor) -> Tensor:
    """Rotations of RGB around the gray axis by the angles `hue` [B]: [B, 3, 3]; gray stays gray."""
    cos, sin = hue.cos().view(-1, 1, 1), hue.sin().view(-1, 1, 1)
    cross = hue.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    return cos * torch.eye(3, device=hue.device) + (1 - cos) / 3 + sin / math.sqrt(3) * cross


AUGMENTATIONS.add(
    AugmentationSpec(
        id="color_jitter",
        title="Color jitter",
        summary="Changes brightness, contrast and saturation by up to 60 %, and turns the hue.",
        params=(
            Param(
                name="hue",
                default=1.0,
                minimum=0,
                maximum=1,
                help="How far the hue turns: 1 is any hue at full strength, 0 none.",
            ),
        ),
        sample=sample,
        apply=apply,
    )
)
