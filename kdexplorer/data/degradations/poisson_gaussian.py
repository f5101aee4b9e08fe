"""Camera noise: photons arrive at random (Poisson), and reading them out adds Gaussian noise (Foi et al. 2008)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

PHOTONS = Param(
    name="photons",
    title="Photons",
    default=100.0,
    minimum=5,
    maximum=5000,
    log=True,
    help="Photons that a white pixel counts: the fewer, the noisier; noise grows with the root of brightness.",
)
READ = Param(
    name="read",
    title="Read-out σ",
    default=3.0,
    minimum=0,
    maximum=50,
    unit="of 255",
    help="Standard deviation of what the electronics add, on the scale of 0–255.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`photons` [B], `noise` [B, C, H, W] of unit variance, and the `seed` of the photons' arrival."""
    device = generator.device
    return {
        "photons": strengths("photons", shape[0], params, generator),
        "noise": torch.randn(tuple(shape), generator=generator, device=device),
        "seed": torch.randint(2**62, (), generator=generator, device=device),
    }


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    return shot_noise(images, sampled) + float(params["read"]) / 255 * sampled["noise"]


def shot_noise(light: Tensor, sampled: Sampled) -> Tensor:
    """Count photons of `light` float [B, C, H, W] (1 is `photons`), and divide by `photons` again."""
    # How many arrive depends on the image, so that only the seed can be drawn before it is known.
    draws = torch.Generator(light.device).manual_seed(int(sampled["seed"]))
    photons = sampled["photons"].view(-1, 1, 1, 1)
    return torch.poisson((light.clamp(min=0) * photons).float(), generator=draws) / photons


DEGRADATIONS.add(
    DegradationSpec(
        id="poisson_gaussian",
        title="Camera noise",
        order=11,
        summary="Photons arrive at random, and reading them out adds noise: stronger where it is brighter.",
        tasks=("restoration",),
        params=(*range_params(PHOTONS), READ),
        paper="10.1109/TIP.2008.2001399",
        sample=sample,
        apply=apply,
    )
)
