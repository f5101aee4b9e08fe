"""Gaussian blur, of one width or blind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.kernels import gaussian_blur
from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

SIGMA = Param(
    name="sigma",
    title="Blur σ",
    default=1.6,
    minimum=0.3,
    maximum=5,
    unit="px",
    help="Standard deviation of the Gaussian.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """The standard deviation `sigma` [B] in pixels."""
    return {"sigma": strengths("sigma", shape[0], params, generator)}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    widest = max(float(params["sigma"]), float(params["sigma_max"]))
    return gaussian_blur(images, sampled["sigma"], math.ceil(3 * widest))


DEGRADATIONS.add(
    DegradationSpec(
        id="gaussian_blur",
        title="Gaussian blur",
        order=30,
        summary="Blurs alike in every direction, as an unsteady air or a poor lens does.",
        tasks=("restoration",),
        params=range_params(SIGMA),
        sample=sample,
        apply=apply,
    )
)
