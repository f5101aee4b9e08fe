"""EDSR: residual blocks without batch norm, then a pixel-shuffle upsampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import bicubic, scale_problem, silence
from kdexplorer.params import Param


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ResidualBlock(nn.Module):
    """x + residual_scale · conv(relu(conv(x)))."""

    def __init__(self, width: int, residual_scale: float) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(width, width), nn.ReLU(), _conv(width, width))
        self.residual_scale = residual_scale

    def forward(self, features: Tensor) -> Tensor:
        residual: Tensor = self.body(features)
        return features + residual * self.residual_scale


def _upsampler(width: int, scale: int) -> nn.Sequential:
    steps = {1: [], 2: [2], 3: [3], 4: [2, 2]}[scale]
    return nn.Sequential(
        *[layer for r in steps for layer in (_conv(width, width * r * r), nn.PixelShuffle(r))]
    )


class EDSR(nn.Module):
    """Enhanced deep residual network, arXiv 1707.02921: [B, C, H, W] → [B, C, scale·H, scale·W].

    With scale 1 there is no upsampler, and it serves as a denoiser.
    """

    def __init__(
        self, channels: int, scale: int, width: int, blocks: int, residual_scale: float, global_skip: bool
    ) -> None:
        super().__init__()
        self.scale = scale
        self.global_skip = global_skip
        self.head = nn.Sequential(_conv(channels, width))
        self.body = nn.Sequential(
            *[ResidualBlock(width, residual_scale) for _ in range(blocks)], _conv(width, width)
        )
        last = _conv(width, channels)
        self.tail = nn.Sequential(_upsampler(width, scale), last)
        if global_skip:
            silence(last)

    def forward(self, images: Tensor) -> Tensor:
        features = self.head(images)
        output: Tensor = self.tail(features + self.body(features))
        return output + bicubic(images, self.scale) if self.global_skip else output


def _build(params: Mapping[str, Any], io: ModelIO) -> EDSR:
    return EDSR(
        io.channels,
        io.scale,
        params["width"],
        params["blocks"],
        params["residual_scale"],
        params["global_skip"],
    )


def _blocks(params: Mapping[str, Any]) -> list[str]:
    return [f"body.{index}" for index in range(params["blocks"])]


MODELS.add(
    ModelSpec(
        id="edsr",
        title="EDSR",
        summary="Residual blocks without batch norm; enlarges at the end, or not at all.",
        tasks=("restoration",),
        paper="arXiv 1707.02921",
        params=(
            Param(name="width", default=32, minimum=8, maximum=256, help="Channels of every block."),
            Param(name="blocks", default=8, minimum=1, maximum=32, help="Residual blocks."),
            Param(
                name="residual_scale",
                default=1.0,
                minimum=0.01,
                maximum=1.0,
                advanced=True,
                help="Factor on what a block adds; 0.1 keeps wide networks stable.",
            ),
            Param(
                name="global_skip",
                default=True,
                advanced=True,
                help="Add the result to the bicubic image, so that training starts at bicubic quality.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_blocks(params)),
        attribution_layer=lambda params, io: _blocks(params)[-1],
        fits=lambda params, io: scale_problem(io.scale),
    )
)
