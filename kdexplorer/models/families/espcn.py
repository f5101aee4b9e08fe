"""ESPCN: three convolutions on the small image, then a pixel shuffle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import bicubic, scale_problem, silence
from kdexplorer.params import Param


class ESPCN(nn.Module):
    """Sub-pixel convolution, arXiv 1609.05158: [B, C, H, W] → [B, C, scale·H, scale·W]."""

    def __init__(self, channels: int, scale: int, width: int, global_skip: bool) -> None:
        super().__init__()
        self.scale = scale
        self.global_skip = global_skip
        self.layer1 = nn.Sequential(nn.Conv2d(channels, width, 5, padding=2), nn.Tanh())
        self.layer2 = nn.Sequential(nn.Conv2d(width, width // 2, 3, padding=1), nn.Tanh())
        self.last = nn.Conv2d(width // 2, channels * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        if global_skip:
            silence(self.last)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.shuffle(self.last(self.layer2(self.layer1(images))))
        return output + bicubic(images, self.scale) if self.global_skip else output


def _build(params: Mapping[str, Any], io: ModelIO) -> ESPCN:
    return ESPCN(io.channels, io.scale, params["width"], params["global_skip"])


MODELS.add(
    ModelSpec(
        id="espcn",
        title="ESPCN",
        summary="Three convolutions on the small image and a pixel shuffle: the quickest here.",
        tasks=("restoration",),
        paper="arXiv 1609.05158",
        params=(
            Param(
                name="width",
                default=64,
                minimum=8,
                maximum=128,
                help="Channels of the first layer; the second has half as many.",
            ),
            Param(
                name="global_skip",
                default=True,
                advanced=True,
                help="Add the result to the bicubic image, so that training starts at bicubic quality.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(["layer1", "layer2"]),
        attribution_layer=lambda params, io: "layer2",
        fits=lambda params, io: scale_problem(io.scale),
    )
)
