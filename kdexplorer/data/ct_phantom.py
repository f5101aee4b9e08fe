"""Procedural slices of a body for computed tomography: soft tissue, bones, and metal in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kdexplorer.data.draws import generator

ORGANS, BONES = 7, 4  # at most
SHELL = 0.35  # of a bone's radius, where it is compact
SPONGE = 0.35  # share of compact bone inside


@dataclass(frozen=True)
class Phantoms:
    """Shares of each material in every pixel, relative to its full density, float [N, S, S].

    Attributes:
        water: soft tissue; 1 is water, organs differ by a few per cent.
        bone: 1 is compact bone.
        metal: 1 is solid metal, which has displaced what was there in `water` and `bone`.
        water_before, bone_before: the same slice without metal.
    """

    water: Tensor
    bone: Tensor
    metal: Tensor
    water_before: Tensor
    bone_before: Tensor


def phantoms(first: int, count: int, side: int, *, metals: int, radius: float) -> Phantoms:
    """Slices number `first` to `first + count`: each is a function of its number.

    Args:
        metals: inserts in every slice.
        radius: of the largest insert, in 1/100 of the slice's width; the smallest have half of it.
    """
    made = [_phantom(number, side, metals, radius / 50) for number in range(first, first + count)]
    water, bone, metal = (torch.stack(parts) for parts in zip(*made, strict=True))
    return Phantoms(water * (1 - metal), bone * (1 - metal), metal, water, bone)


def _phantom(number: int, side: int, metals: int, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """Water, bone and metal, [S, S] each; lengths in half widths of the slice."""
    draws = generator("cpu", "ct phantom", number)

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=draws))

    line = (torch.arange(side) + 0.5) * (2 / side) - 1
    down, right = torch.meshgrid(line, line, indexing="ij")

    def ellipse(x: float, y: float, a: float, b: float, turn: float) -> Tensor:
        """1 inside, 0 outside, with an edge of one pixel."""
        along = (right - x) * math.cos(turn) + (down - y) * math.sin(turn)
        across = (down - y) * math.cos(turn) - (right - x) * math.sin(turn)
        distance = (torch.hypot(along / a, across / b) - 1) * min(a, b)
        return (0.5 - distance * side / 2).clamp(0, 1)

    def place(reach: float) -> tuple[float, float]:
        far, angle = reach * math.sqrt(between(0, 1)), between(0, 2 * math.pi)
        return far * math.cos(angle) * wide, far * math.sin(angle) * high

    wide, high = between(0.8, 0.95), between(0.62, 0.85)
    water = ellipse(0, 0, wide, high, 0) * 0.93  # fat around
    muscle = ellipse(0, 0, wide * 0.93, high * 0.92, 0)
    water = torch.lerp(water, torch.full_like(water, 1.04), muscle)
    for _ in range(2 + int(between(0, ORGANS - 1))):
        organ = ellipse(*place(0.6), between(0.06, 0.25), between(0.06, 0.2), between(0, math.pi)) * muscle
        water = torch.lerp(water, torch.full_like(water, between(0.94, 1.1)), organ)
    bone, centres = torch.zeros_like(water), []
    for _ in range(1 + int(between(0, BONES))):
        x, y = place(0.7)
        a, b, turn = between(0.1, 0.2), between(0.08, 0.16), between(0, math.pi)
        outer = ellipse(x, y, a, b, turn)
        inner = ellipse(x, y, a * (1 - SHELL), b * (1 - SHELL), turn)
        bone = torch.maximum(bone, outer * (1 - inner * (1 - SPONGE)))
        centres.append((x, y))
    bone = bone * (water > 0)
    metal = torch.zeros_like(water)
    for index in range(metals):
        # Implants sit in bones first, then anywhere.
        x, y = centres[index] if index < len(centres) else place(0.6)
        size = between(radius / 2, radius)
        metal = torch.maximum(metal, ellipse(x, y, size, size * between(0.6, 1), between(0, math.pi)))
    return water * (1 - bone), bone, metal
