"""Augmentation of features: what is hidden or shuffled in the student's is so in the teacher's."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.config import FeatureNoise


def with_noise(
    student: Tensor, teacher: Tensor, noise: FeatureNoise, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mask the same places and shuffle the same channels of both features.

    The mask is drawn at the smaller one's resolution. Where the channel counts differ, as many groups of channels
    change places as divide both.

    Args:
        student, teacher: [B, C, H, W], tokens [B, N, C] or vectors [B, C].
        generator: on the features' device.
    """
    if noise.mask and student.dim() == teacher.dim() > 2:
        places = [x.shape[2:] if x.dim() == 4 else x.shape[1:2] for x in (student, teacher)]
        smaller = [min(sides) for sides in zip(*places, strict=True)]
        drawn = torch.rand(len(student), 1, *smaller, generator=generator, device=student.device)
        kept = (drawn >= noise.mask).to(student.dtype)
        student, teacher = (_masked(x, kept) for x in (student, teacher))
    if noise.shuffle:
        groups = math.gcd(student.shape[_axis(student)], teacher.shape[_axis(teacher)])
        order = _shuffled(groups, noise.shuffle, generator, student.device)
        student, teacher = (_in_order(x, order) for x in (student, teacher))
    return student, teacher


def _masked(x: Tensor, kept: Tensor) -> Tensor:
    if x.dim() == 4:
        return x * F.interpolate(kept, size=x.shape[2:], mode="nearest")
    return x * F.interpolate(kept, size=x.shape[1], mode="nearest").transpose(1, 2)


def _shuffled(groups: int, share: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """The numbers below `groups`, a share of them in another's place."""
    order = torch.arange(groups, device=device)
    chosen = torch.randperm(groups, generator=generator, device=device)[: round(share * groups)]
    order[chosen.sort().values] = chosen
    return order


def _in_order(x: Tensor, order: Tensor) -> Tensor:
    axis, width = _axis(x), x.shape[_axis(x)] // len(order)
    index = (order[:, None] * width + torch.arange(width, device=x.device)).flatten()
    return x.index_select(axis, index)


def _axis(x: Tensor) -> int:
    return 1 if x.dim() == 4 else x.dim() - 1
