"""IMDN: blocks that keep a quarter of their channels at each step and refine the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import bicubic, scale_problem, silence
from kdexplorer.params import Param

SLOPE = 0.05  # of the leaky ReLU below 0
NARROWED = 4  # times, inside the channel attention


class ContrastAttention(nn.Module):
    """Weighs channels by their standard deviation plus mean, [B, C, H, W] → same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.weigh = nn.Sequential(
            nn.Conv2d(width, width // NARROWED, 1),
            nn.ReLU(),
            nn.Conv2d(width // NARROWED, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        mean = self.pool(x)
        variance = self.pool((x - mean).square())
        # the root of 0 has no gradient
        weights: Tensor = self.weigh(mean + (variance + 1e-12).sqrt())
        return x * weights


class Block(nn.Module):
    """Information multi-distillation: three steps keep a quarter each and pass the rest on, a fourth ends."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kept = width // 4
        self.passed = width - self.kept
        self.steps = nn.ModuleList(
            nn.Conv2d(width if step == 0 else self.passed, width, 3, padding=1) for step in range(3)
        )
        self.end = nn.Conv2d(self.passed, self.kept, 3, padding=1)
        self.attention = ContrastAttention(4 * self.kept)
        self.fuse = nn.Conv2d(4 * self.kept, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept, rest = [], x
        for step in self.steps:
            features = F.leaky_relu(step(rest), SLOPE)
            kept.append(features[:, : self.kept])
            rest = features[:, self.kept :]
        added: Tensor = self.fuse(self.attention(torch.cat([*kept, self.end(rest)], dim=1)))
        return x + added


class IMDN(nn.Module):
    """Information multi-distillation network, arXiv 1909.11856: [B, C, H, W] → [B, C, scale·H, scale·W].

    Added to the bicubic image, where it starts; the paper has no such skip.
    """

    def __init__(self, channels: int, scale: int, width: int, blocks: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.collect = nn.Sequential(nn.Conv2d(blocks * width, width, 1), nn.LeakyReLU(SLOPE))
        self.after = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        silence(self.last)

    def forward(self, images: Tensor) -> Tensor:
        first = self.head(images)
        outputs = [first]
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        features = self.after(self.collect(torch.cat(outputs[1:], dim=1))) + first
        return F.pixel_shuffle(self.last(features), self.scale) + bicubic(images, self.scale)


def _build(params: Mapping[str, Any], io: ModelIO) -> IMDN:
    return IMDN(io.channels, io.scale, params["width"], params["blocks"])


def _blocks(params: Mapping[str, Any]) -> list[str]:
    return [f"blocks.{block}" for block in range(params["blocks"])]


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    if params["width"] % 4:
        return f"each step keeps a quarter of the channels: choose a width that 4 divides, not {params['width']}."
    return scale_problem(io.scale)


MODELS.add(
    ModelSpec(
        id="imdn",
        title="IMDN",
        order=51,
        summary="Each block keeps a quarter of its channels at every step and refines the rest: light.",
        tasks=("restoration",),
        paper="arXiv 1909.11856",
        params=(
            Param(
                name="width",
                default=16,
                minimum=8,
                maximum=64,
                help="Channels of every block, a multiple of 4.",
            ),
            Param(name="blocks", default=3, minimum=1, maximum=8, help="Blocks; 6 as published."),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_blocks(params)),
        attribution_layer=lambda params, io: _blocks(params)[-1],
        fits=_fits,
    )
)
