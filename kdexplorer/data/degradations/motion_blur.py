"""Motion blur: the camera moves along a straight line while the shutter is open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.kernels import convolve, line
from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

LENGTH = Param(
    name="length",
    title="Length",
    default=9.0,
    minimum=2,
    maximum=31,
    unit="px",
    help="How far the picture moves; every image in a direction of its own.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`length` [B] in pixels and `angle` [B] in radians."""
    angle = torch.rand(shape[0], generator=generator, device=generator.device) * math.pi
    return {"length": strengths("length", shape[0], params, generator), "angle": angle}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    longest = max(float(params["length"]), float(params["length_max"]))
    return convolve(images, line(sampled["length"], sampled["angle"], math.ceil(longest / 2)))


DEGRADATIONS.add(
    DegradationSpec(
        id="motion_blur",
        title="Motion blur",
        order=31,
        summary="Smears along a straight line, as a shaken camera does.",
        tasks=("restoration",),
        params=range_params(LENGTH),
        sample=sample,
        apply=apply,
    )
)
