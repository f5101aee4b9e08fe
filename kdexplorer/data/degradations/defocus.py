"""Defocus: every point becomes a disc, the image of the lens's opening."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.kernels import convolve, disc
from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

RADIUS = Param(
    name="radius",
    title="Radius",
    default=3.0,
    minimum=0.5,
    maximum=12,
    unit="px",
    help="Radius of the disc that a point becomes.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`radius` [B] in pixels."""
    return {"radius": strengths("radius", shape[0], params, generator)}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    widest = max(float(params["radius"]), float(params["radius_max"]))
    return convolve(images, disc(sampled["radius"], math.ceil(widest + 0.5)))


DEGRADATIONS.add(
    DegradationSpec(
        id="defocus",
        title="Defocus",
        order=32,
        summary="Every point becomes a disc, as where a lens is out of focus.",
        tasks=("restoration",),
        params=range_params(RADIUS),
        sample=sample,
        apply=apply,
    )
)
