"""Rain streaks: drops that fall through the picture while the shutter is open."""

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

SLANT = math.radians(25)  # the most that wind bends the rain
DENSITY = Param(
    name="density",
    title="Density",
    default=0.8,
    minimum=0.1,
    maximum=6,
    unit="%",
    help="Share of the pixels at which a drop is, before it smears.",
)
LENGTH = Param(
    name="length",
    title="Length",
    default=15.0,
    minimum=3,
    maximum=41,
    unit="px",
    help="How far a drop falls while the shutter is open.",
)
BRIGHTNESS = Param(
    name="brightness",
    title="Brightness",
    default=0.8,
    minimum=0.1,
    maximum=1,
    help="Of a streak: 1 is white.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """The streaks as light, `rain` [B, 1, H, W] in [0, 1]."""
    batch, _, height, width = shape
    device = generator.device
    share = strengths("density", batch, params, generator).view(-1, 1, 1, 1) / 100
    drops = torch.rand((batch, 1, height, width), generator=generator, device=device)
    size = 0.4 + 0.6 * torch.rand((batch, 1, height, width), generator=generator, device=device)
    angle = (2 * torch.rand(batch, generator=generator, device=device) - 1) * SLANT + math.pi / 2
    length = torch.full((batch,), float(params["length"]), device=device)
    kernel = line(length, angle, math.ceil(float(params["length"]) / 2))
    falling = convolve((drops < share).float() * size, kernel)
    # A streak is as bright at its middle as its drop is large: the kernel's own peak is taken out.
    peak = kernel.amax(dim=(1, 2)).view(-1, 1, 1, 1)
    return {"rain": (float(params["brightness"]) * falling / peak).clamp(0, 1)}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    """Light over light: neither hides the other, and white stays white."""
    return 1 - (1 - images) * (1 - sampled["rain"])


DEGRADATIONS.add(
    DegradationSpec(
        id="rain_streaks",
        title="Rain streaks",
        order=50,
        summary="Bright slanted lines, as rain leaves while the shutter is open.",
        tasks=("restoration",),
        params=(*range_params(DENSITY), LENGTH, BRIGHTNESS),
        sample=sample,
        apply=apply,
    )
)
