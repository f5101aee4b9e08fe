"""ReviewKD's learned part: the student's levels fused from deep to shallow, each in the teacher's shape."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.method import Pair

MAX_CHANNELS = 512  # of what is passed from level to level


class AttentionFusion(nn.Module):
    """Mix one level with what came from the deeper ones, by two learned maps of attention.

    Returns the level in the teacher's shape and what goes on to the next shallower level.
    """

    def __init__(self, channels: int, middle: int, teacher_channels: int, *, deepest: bool) -> None:
        super().__init__()
        reduce = nn.Conv2d(channels, middle, 1, bias=False)
        expand = nn.Conv2d(middle, teacher_channels, 3, padding=1, bias=False)
        for convolution in (reduce, expand):
            nn.init.kaiming_uniform_(convolution.weight, a=1)
        self.reduce = nn.Sequential(reduce, nn.BatchNorm2d(middle))
        self.expand = nn.Sequential(expand, nn.BatchNorm2d(teacher_channels))
        self.attention = None if deepest else nn.Sequential(nn.Conv2d(2 * middle, 2, 1), nn.Sigmoid())

    def forward(self, level: Tensor, deeper: Tensor | None, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        mixed = self.reduce(level)
        if self.attention is not None and deeper is not None:
            deeper = F.interpolate(deeper, mixed.shape[-2:], mode="nearest")
            attention = self.attention(torch.cat([mixed, deeper], dim=1))
            mixed = mixed * attention[:, :1] + deeper * attention[:, 1:]
        if mixed.shape[-2:] != size:
            mixed = F.interpolate(mixed, size, mode="nearest")
        return self.expand(mixed), mixed


class ReviewFusion(nn.Module):
    """All levels of a pair, from shallow to deep."""

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        middle = min(MAX_CHANNELS, pair.features[-1][0][0])
        deepest = len(pair.features) - 1
        self.levels = nn.ModuleList(
            AttentionFusion(student[0], middle, teacher[0], deepest=index == deepest)
            for index, (student, teacher) in enumerate(pair.features)
        )

    def forward(self, levels: Sequence[Tensor], sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """The student's levels, reviewed: [B, teacher channels, *size] each, in the order they came.

        Args:
            levels: [B, C, H, W] of the student, from shallow to deep.
            sizes: H, W of the teacher's features.
        """
        reviewed: list[Tensor] = []
        deeper: Tensor | None = None
        for fuse, level, size in reversed(list(zip(self.levels, levels, sizes, strict=True))):
            output, deeper = fuse(level, deeper, size)
            reviewed.insert(0, output)
        return reviewed
