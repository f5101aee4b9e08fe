"""FFDNet: DnCNN on pixels folded into channels, at a quarter of the cost and twice the view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.params import Param


class FFDNet(nn.Module):
    """Residual denoiser at half resolution, arXiv 1710.04026, without its noise map: [B, C, H, W] → same shape.

    Odd sides are padded by repeating the border and cut again.
    """

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(4 * channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(width, 4 * channels, 3, padding=1)
        self.model = nn.Sequential(*layers, last)
        for layer in self.model:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(last.weight, std=1e-3)  # starts as the noisy input, with a gradient for the body

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        padded = F.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
        noise = F.pixel_shuffle(self.model(F.pixel_unshuffle(padded, 2)), 2)
        return images - noise[..., :height, :width]


def _activations(params: Mapping[str, Any]) -> list[str]:
    return [f"model.{1 + 2 * layer}" for layer in range(params["depth"] - 1)]


MODELS.add(
    ModelSpec(
        id="ffdnet",
        title="FFDNet",
        summary="A denoiser that works at half resolution: wide, with a large view, and cheap.",
        tasks=("restoration",),
        paper="arXiv 1710.04026",
        params=(
            Param(name="width", default=64, minimum=8, maximum=128, help="Channels of every hidden layer."),
            Param(name="depth", default=8, minimum=3, maximum=20, help="Convolutions from input to output."),
        ),
        build=lambda params, io: FFDNet(io.channels, params["width"], params["depth"]),
        stages=lambda params, io: by_depth(_activations(params)),
        attribution_layer=lambda params, io: _activations(params)[-1],
        fits=lambda params, io: (
            None
            if io.scale == 1
            else "it does not enlarge: choose ESPCN, FSRCNN or EDSR for super-resolution."
        ),
    )
)
