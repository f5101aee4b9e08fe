"""Additive white Gaussian noise, of one strength or blind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.params import Param


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`sigma` [B, 1, 1, 1] (on the scale of images in [0, 1]) and `noise` [B, C, H, W] of unit variance."""
    device = generator.device
    low = float(params["sigma"])
    high = float(params["sigma_max"]) or low
    level = torch.rand((shape[0], 1, 1, 1), generator=generator, device=device)
    noise = torch.randn(tuple(shape), generator=generator, device=device)
    return {"sigma": (low + (high - low) * level) / 255, "noise": noise}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    return images + sampled["sigma"] * sampled["noise"]


DEGRADATIONS.add(
    DegradationSpec(
        id="gaussian_noise",
        title="Gaussian noise",
        order=10,
        summary="Independent noise on every value, as a sensor makes in the dark; not clipped.",
        tasks=("restoration",),
        params=(
            Param(
                name="sigma",
                title="Noise σ",
                default=25.0,
                minimum=1,
                maximum=75,
                unit="of 255",
                help="Standard deviation of the noise on the scale of 0–255.",
            ),
            Param(
                name="sigma_max",
                title="Blind up to σ",
                default=0.0,
                minimum=0,
                maximum=75,
                unit="of 255",
                advanced=True,
                help="Above 0, every image draws its own strength between σ and this; 0 keeps σ fixed.",
            ),
        ),
        sample=sample,
        apply=apply,
    )
)
