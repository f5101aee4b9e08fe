"""Haze: the atmosphere dims what is far and adds its own light (Koschmieder; Narasimhan & Nayar 2002)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

COARSE = 5  # cells of the depth's hills along a side
TINT = 0.03  # how far the airlight's colours differ
BETA = Param(
    name="beta",
    title="Density",
    default=1.2,
    minimum=0.1,
    maximum=4,
    help="Of the haze: what is at depth 1 keeps exp(−density) of its contrast.",
)
AIRLIGHT = Param(
    name="airlight",
    title="Airlight",
    default=0.85,
    minimum=0.4,
    maximum=1,
    help="Brightness of the haze itself; every image differs a little from it.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`beta` [B], `airlight` [B, C, 1, 1], and a procedural `depth` [B, 1, H, W] in [0, 1].

    The depth is a plane that recedes to the top, as a street does, with hills on it.
    """
    batch, channels, height, width = shape
    device = generator.device
    hills = torch.rand((batch, 1, COARSE, COARSE), generator=generator, device=device)
    hills = F.interpolate(hills, size=(height, width), mode="bicubic", align_corners=True).clamp(0, 1)
    tilt = torch.rand((batch, 2, 1, 1), generator=generator, device=device)
    y = torch.linspace(1, 0, height, device=device).view(1, 1, -1, 1)
    x = torch.linspace(-0.5, 0.5, width, device=device).view(1, 1, 1, -1)
    plane = y * (0.4 + 0.6 * tilt[:, :1]) + x * (tilt[:, 1:] - 0.5)
    brightness = 0.1 * torch.rand((batch, 1, 1, 1), generator=generator, device=device) - 0.05
    tint = TINT * (2 * torch.rand((batch, channels, 1, 1), generator=generator, device=device) - 1)
    return {
        "beta": strengths("beta", batch, params, generator),
        "airlight": (float(params["airlight"]) + brightness + tint).clamp(0, 1),
        "depth": (0.65 * plane + 0.35 * hills).clamp(0, 1),
    }


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    """J·t + A·(1 − t) with transmission t = exp(−β·depth)."""
    transmission = torch.exp(-sampled["beta"].view(-1, 1, 1, 1) * sampled["depth"])
    return images * transmission + sampled["airlight"] * (1 - transmission)


DEGRADATIONS.add(
    DegradationSpec(
        id="haze",
        title="Haze",
        order=40,
        summary="Dims what is far and covers it with light, over a procedural depth.",
        tasks=("restoration",),
        params=(*range_params(BETA), AIRLIGHT),
        sample=sample,
        apply=apply,
    )
)
