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
    centres, radii = sampled["centre"], sampled["radius"]
    rows, columns = (torch.arange(side, device=images.device) + 0.5 for side in (height, width))
    shown_y, shown_x = rows[:, None].repeat(batch, 1, width), columns.repeat(batch, height, 1)
    cover = torch.zeros((batch, height, width), device=images.device)
    each = torch.arange(batch, device=images.device)[:, None, None]
    reaches = radii.amax(0).ceil().int().tolist()
    for centre, radius, reach in zip(centres.unbind(1), radii.unbind(1), reaches, strict=True):
        down, across = (_around(centre[:, axis], reach, side) for axis, side in ((1, height), (0, width)))
        box = (each, down[:, :, None], across[:, None, :])
        y, x = (rows[down] - centre[:, 1:])[:, :, None], (columns[across] - centre[:, :1])[:, None, :]
        covered = cover[box]
        inside = (
            (radius[:, None, None] - torch.hypot(x.expand_as(covered), y.expand_as(covered))) / EDGE
        ).clamp(0, 1)
        nearer = inside > covered
        shown_x[box] = torch.where(nearer, centre[:, :1, None] - SEEN * x, shown_x[box])
        shown_y[box] = torch.where(nearer, centre[:, 1:, None] - SEEN * y, shown_y[box])
        cover[box] = torch.maximum(covered, inside)
    grid = torch.stack([2 * shown_x / width - 1, 2 * shown_y / height - 1], dim=-1).to(images.dtype)
    blurred = gaussian_blur(images, torch.full((batch,), BLUR, device=images.device), 5)
    seen = F.grid_sample(blurred, grid, padding_mode="reflection", align_corners=False)
    return torch.lerp(images, seen, cover.unsqueeze(1).to(images.dtype))


def _around(centre: Tensor, reach: int, side: int) -> Tensor:
    """The pixels, int64 [B, n], of a line of `side` that lie within `reach` + 1 of `centre` [B], moved into the line."""
    count = min(2 * reach + 3, side)
    first = (centre.floor().long() - reach - 1).clamp(0, side - count)
    return first[:, None] + torch.arange(count, device=centre.device)


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
