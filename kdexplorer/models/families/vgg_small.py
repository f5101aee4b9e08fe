"""A small VGG: pairs of 3 × 3 convolutions, pooling in between, no shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.normalization import normalization
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import deepest_map, numbered
from kdexplorer.params import Param


def _conv(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class SmallVGG(nn.Module):
    """VGG with batch norm and global pooling, after arXiv 1409.1556.

    [B, C, H, W] in [0, 1] → logits [B, classes].
    """

    def __init__(self, channels: int, classes: int, width: int, blocks: int) -> None:
        super().__init__()
        widths = [width * 2**block for block in range(blocks)]
        self.normalize = normalization("half", channels)
        self.blocks = nn.ModuleList(
            nn.Sequential(*_conv(inputs, outputs), *_conv(outputs, outputs))
            for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
        self.linear = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        features = self.normalize(images)
        for index, block in enumerate(self.blocks):
            features = block(F.max_pool2d(features, 2) if index else features)
        logits: Tensor = self.linear(features.mean((2, 3)))
        return logits


def _build(params: Mapping[str, Any], io: ModelIO) -> SmallVGG:
    return SmallVGG(io.channels, io.classes, params["width"], params["blocks"])


def _layers(params: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(f"blocks.{block}", 2**block) for block in range(params["blocks"])]


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    least = 2 ** params["blocks"]
    if 0 < io.size < least:
        return f"{params['blocks']} blocks need images of at least {least} pixels a side: choose fewer."
    return None


MODELS.add(
    ModelSpec(
        id="vgg",
        title="Small VGG",
        summary="Pairs of 3 × 3 convolutions with pooling in between, no shortcuts.",
        tasks=("classification",),
        paper="arXiv 1409.1556",
        params=(
            Param(
                name="width",
                default=32,
                minimum=4,
                maximum=128,
                help="Channels of the first block; each doubles.",
            ),
            Param(name="blocks", default=3, minimum=2, maximum=4, help="Pairs of convolutions."),
        ),
        build=_build,
        stages=lambda params, io: numbered([path for path, _ in _layers(params)]),
        attribution_layer=lambda params, io: deepest_map(_layers(params), io.size),
        fits=_fits,
    )
)
