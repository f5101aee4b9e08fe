"""Bicubic downscaling, the standard degradation of super-resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.resize import bicubic_downsample
from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.params import Param


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    return {}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    """[B, C, H / scale, W / scale], rounded to 8 bits: benchmarks read their inputs from image files."""
    small = bicubic_downsample(images, int(params["scale"]))
    return small.clamp(0, 1).mul(255).round().div(255)


DEGRADATIONS.add(
    DegradationSpec(
        id="bicubic",
        title="Bicubic downscaling",
        summary="Shrinks the image with antialiasing, as Pillow and MATLAB do, to 8 bits.",
        tasks=("restoration",),
        params=(
            Param(name="scale", default=2, choices=(2, 3, 4), unit="×", help="How much each side shrinks."),
        ),
        sample=sample,
        apply=apply,
        scale=lambda params: int(params["scale"]),
    )
)
