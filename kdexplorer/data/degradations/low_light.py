"""Low light: a short exposure of linear light, with the noise of few photons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.degradations.poisson_gaussian import shot_noise
from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

GAMMA = 2.2  # of a display: images are stored as light ** (1 / GAMMA)
EXPOSURE = Param(
    name="exposure",
    title="Exposure",
    default=0.15,
    minimum=0.01,
    maximum=1,
    log=True,
    help="Share of the light that is caught; 0.1 is a tenth.",
)
PHOTONS = Param(
    name="photons",
    title="Photons",
    default=1000.0,
    minimum=50,
    maximum=100_000,
    log=True,
    help="Photons that a white pixel would count in full light: the fewer, the noisier the dark.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`exposure` and `photons` [B], and the `seed` of the photons' arrival."""
    device = generator.device
    return {
        "exposure": strengths("exposure", shape[0], params, generator),
        "photons": torch.full((shape[0],), float(params["photons"]), device=device),
        "seed": torch.randint(2**62, (), generator=generator, device=device),
    }


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    light = images.clamp(0, 1) ** GAMMA * sampled["exposure"].view(-1, 1, 1, 1)
    return shot_noise(light, sampled) ** (1 / GAMMA)


DEGRADATIONS.add(
    DegradationSpec(
        id="low_light",
        title="Low light",
        order=60,
        summary="A short exposure: dark, and noisy where few photons arrive.",
        tasks=("restoration",),
        params=(*range_params(EXPOSURE), PHOTONS),
        sample=sample,
        apply=apply,
    )
)
