"""A tiny CNN: a few convolutions with pooling in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.normalization import normalization
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import numbered
from kdexplorer.params import Param


class TinyCNN(nn.Module):
    """`depth` convolutions, [B, C, H, W] in [0, 1] → logits [B, classes].

    Between two of them the map is halved while it is at least 8 wide; channels double twice.
    """

    def __init__(self, channels: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        widths = [width * 2 ** min(layer, 2) for layer in range(depth)]
        self.normalize = normalization("half", channels)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
            )
            for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
        self.linear = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.normalize(images)
        for index, layer in enumerate(self.layers):
            if index > 0 and min(features.shape[-2:]) >= 8:
                features = F.max_pool2d(features, 2)
            features = layer(features)
        logits: Tensor = self.linear(features.mean((2, 3)))
        return logits


def _build(params: Mapping[str, Any], io: ModelIO) -> TinyCNN:
    return TinyCNN(io.channels, io.classes, params["width"], params["depth"])


MODELS.add(
    ModelSpec(
        id="tiny_cnn",
        title="Tiny CNN",
        order=10,
        summary="A few convolutions with pooling in between: a student that learns in seconds.",
        tasks=("classification",),
        params=(
            Param(
                name="width",
                default=16,
                minimum=2,
                maximum=128,
                help="Channels of the first layer; they double twice.",
            ),
            Param(name="depth", default=3, minimum=1, maximum=6, help="Convolutions."),
        ),
        build=_build,
        stages=lambda params, io: numbered([f"layers.{index}" for index in range(params["depth"])]),
        attribution_layer=lambda params, io: f"layers.{params['depth'] - 1}",
        fits=lambda params, io: (
            f"it needs images of at least 4 × 4 pixels, not {io.size}." if 0 < io.size < 4 else None
        ),
    )
)
