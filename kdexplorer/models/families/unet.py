"""U-Net: down to a coarse image and up again, with the details carried across."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.padding import mirrored
from kdexplorer.models.spec import MODELS, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import same_size_problem
from kdexplorer.params import Param


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """[B, C, H, W] → x + f(x), same shape, after arXiv 1505.04597.

    Unlike there the convolutions are padded, and the network adds to its input, where it starts. Sides are mirrored
    up to multiples of 2^levels and cut again.
    """

    def __init__(self, channels: int, width: int, levels: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            _double(before, after) for before, after in zip([channels, *widths], widths, strict=False)
        )
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(2 * after, after, 2, stride=2) for after in reversed(widths[:-1])
        )
        self.up = nn.ModuleList(_double(2 * after, after) for after in reversed(widths[:-1]))
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.last.weight, std=1e-3)  # starts as its input, with a gradient for all layers

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        features = mirrored(images, 2 ** len(self.up))
        across: list[Tensor] = []
        for level, encode in enumerate(self.down):
            features = encode(F.max_pool2d(features, 2) if level else features)
            across.append(features)
        across.pop()
        for enlarge, decode in zip(self.enlarge, self.up, strict=True):
            features = decode(torch.cat([across.pop(), enlarge(features)], dim=1))
        output: Tensor = self.last(features)
        return images + output[..., :height, :width]


def _levels(params: Mapping[str, Any]) -> list[str]:
    levels = params["levels"]
    return [*(f"down.{level}" for level in range(levels + 1)), *(f"up.{level}" for level in range(levels))]


MODELS.add(
    ModelSpec(
        id="unet",
        title="U-Net",
        order=12,
        summary="Halves the image and doubles it again, with the details carried across: a large view, cheap.",
        tasks=("restoration",),
        paper="arXiv 1505.04597",
        params=(
            Param(
                name="width",
                default=12,
                minimum=4,
                maximum=64,
                help="Channels at full size; each level doubles them.",
            ),
            Param(name="levels", default=2, minimum=1, maximum=4, help="How often the image is halved."),
        ),
        build=lambda params, io: UNet(io.channels, params["width"], params["levels"]),
        stages=lambda params, io: by_depth(_levels(params)),
        attribution_layer=lambda params, io: _levels(params)[-1],
        fits=lambda params, io: same_size_problem(io.scale),
    )
)
