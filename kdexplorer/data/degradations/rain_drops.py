"""Rain drops on the lens: each shows what is around it small, upside down and blurred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.kernels import gaussian_blur
from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.params import Param

BLUR = 1.5  # pixels, inside a drop: it is too near to be sharp
SEEN = 2.5  # radii around its centre that a drop shows
EDGE = 1.5  # pixels over which a drop ends
DROPS = Param(
    name="drops",
    title="Drops",
    default=6,
    minimum=1,
    maximum=40,
    help="On a square of 100 × 100 pixels, on average.",
)
RADIUS = Param(
    name="radius",
    title="Radius",
    default=7.0,
    minimum=2,
    maximum=30,
    unit="px",
    help="Of the largest drops; the smallest have a third of it.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`centre` [B, N, 2] (x, y) and `radius` [B, N], all in pixels."""
    batch, _, height, width = shape
    count = max(1, round(int(params["drops"]) * height * width / 10_000))
    device = generator.device
    place = torch.rand((batch, count, 2), generator=generator, device=device)
    size = torch.rand((batch, count), generator=generator, device=device)
    centre = place * torch.tensor([width, height], device=device, dtype=torch.float32)
    return {"centre": centre, "radius": float(params["radius"]) * (1 + 2 * size) / 3}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    batch, _, height, width = images.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device) + 0.5,
        torch.arange(width, device=images.device) + 0.5,
        indexing="ij",
    )
    shown_x, shown_y = x.repeat(batch, 1, 1), y.repeat(batch, 1, 1)
    cover = torch.zeros((batch, height, width), device=images.device)
    for centre, radius in zip(sampled["centre"].unbind(1), sampled["radius"].unbind(1), strict=True):
        across, down = x - centre[:, :1, None], y - centre[:, 1:, None]
        inside = ((radius[:, None, None] - torch.hypot(across, down)) / EDGE).clamp(0, 1)
        nearer = inside > cover
        shown_x = torch.where(nearer, centre[:, :1, None] - SEEN * across, shown_x)
        shown_y = torch.where(nearer, centre[:, 1:, None] - SEEN * down, shown_y)
        cover = torch.maximum(cover, inside)
    grid = torch.stack([2 * shown_x / width - 1, 2 * shown_y / height - 1], dim=-1).to(images.dtype)
    blurred = gaussian_blur(images, torch.full((batch,), BLUR, device=images.device), 5)
    seen = F.grid_sample(blurred, grid, padding_mode="reflection", align_corners=False)
    return torch.lerp(images, seen, cover.unsqueeze(1).to(images.dtype))


DEGRADATIONS.add(
    DegradationSpec(
        id="rain_drops",
        title="Rain drops",
        order=51,
        summary="Drops on the lens: each shows its surroundings small, upside down and blurred.",
        tasks=("restoration",),
        params=(DROPS, RADIUS),
        sample=sample,
        apply=apply,
    )
)
