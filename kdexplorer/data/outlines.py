"""Signed distances to simple outlines, in units of the object's radius: negative inside, positive outside.

Near the outline they are exact or nearly so, as antialiasing needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Outline = Callable[[Tensor, Tensor], Tensor]  # (x, y), each [B, S, S] → [B, S, S]


def circle(x: Tensor, y: Tensor) -> Tensor:
    return torch.hypot(x, y) - 0.9


def ring(x: Tensor, y: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.72).abs() - 0.22


def square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) - 0.78


def cross(x: Tensor, y: Tensor) -> Tensor:
    long, thin = torch.maximum(x.abs(), y.abs()), torch.minimum(x.abs(), y.abs())
    return torch.maximum(long - 0.95, thin - 0.28)


def triangle(x: Tensor, y: Tensor) -> Tensor:
    return _polygon(x, y, 3, 0.58) - 0.02


def hexagon(x: Tensor, y: Tensor) -> Tensor:
    return _polygon(x, y, 6, 0.84)


def star(x: Tensor, y: Tensor) -> Tensor:
    """Five points: in the folded wedge, the distance to the line from a point to the next notch."""
    outer, inner, wedge = 1.05, 0.45, math.pi / 5
    radius, angle = torch.hypot(x, y), torch.atan2(x, -y)
    angle = (torch.remainder(angle, 2 * wedge) - wedge).abs()  # `wedge` at a point, 0 at a notch
    across, up = radius * torch.sin(wedge - angle), radius * torch.cos(wedge - angle)
    notch_x, notch_y = inner * math.sin(wedge), inner * math.cos(wedge)
    length = math.hypot(notch_x, outer - notch_y)
    return ((outer - notch_y) * across + notch_x * (up - outer)) / length


def heart(x: Tensor, y: Tensor) -> Tensor:
    """Two discs above a corner."""
    x, y = x.abs(), y + 0.05
    lobe = torch.hypot(x - 0.42, y + 0.32) - 0.5
    below = torch.maximum((x + y) * math.sqrt(0.5) - 0.57, (x - y) * math.sqrt(0.5) - 0.64)
    below = torch.maximum(below, -0.32 - y)
    return torch.minimum(lobe, below)


def _polygon(x: Tensor, y: Tensor, sides: int, apothem: float) -> Tensor:
    normals = [2 * math.pi * side / sides + math.pi / 2 for side in range(sides)]
    distance = x * math.cos(normals[0]) + y * math.sin(normals[0])
    for angle in normals[1:]:
        distance = torch.maximum(distance, x * math.cos(angle) + y * math.sin(angle))
    return distance - apothem


OUTLINES: dict[str, Outline] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "ring": ring,
    "cross": cross,
    "heart": heart,
    "hexagon": hexagon,
}
