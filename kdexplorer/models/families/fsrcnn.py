"""FSRCNN: shrink, map, expand, and a transposed convolution that enlarges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import bicubic, scale_problem, silence
from kdexplorer.params import Param


def _layer(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.PReLU(outputs))


class FSRCNN(nn.Module):
    """Hourglass super-resolution, arXiv 1608.00367: [B, C, H, W] → [B, C, scale·H, scale·W]."""

    def __init__(self, channels: int, scale: int, d: int, s: int, m: int, global_skip: bool) -> None:
        super().__init__()
        self.scale = scale
        self.global_skip = global_skip
        self.extract = _layer(channels, d, 5)
        self.shrink = _layer(d, s, 1)
        self.mapping = nn.Sequential(*[_layer(s, s, 3) for _ in range(m)])
        self.expand = _layer(s, d, 1)
        self.last = nn.ConvTranspose2d(d, channels, 9, stride=scale, padding=4, output_padding=scale - 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.25)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        if global_skip:
            silence(self.last)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.last(self.expand(self.mapping(self.shrink(self.extract(images)))))
        return output + bicubic(images, self.scale) if self.global_skip else output


def _build(params: Mapping[str, Any], io: ModelIO) -> FSRCNN:
    return FSRCNN(io.channels, io.scale, params["d"], params["s"], params["m"], params["global_skip"])


MODELS.add(
    ModelSpec(
        id="fsrcnn",
        title="FSRCNN",
        summary="Works in few channels between a wide first and a wide last layer.",
        tasks=("restoration",),
        paper="arXiv 1608.00367",
        params=(
            Param(
                name="d",
                title="Feature channels (d)",
                default=56,
                minimum=8,
                maximum=128,
                help="Channels of the first and the last layer.",
            ),
            Param(
                name="s",
                title="Mapping channels (s)",
                default=12,
                minimum=4,
                maximum=64,
                help="Channels in between.",
            ),
            Param(
                name="m",
                title="Mapping layers (m)",
                default=4,
                minimum=1,
                maximum=16,
                help="3 × 3 convolutions in between.",
            ),
            Param(
                name="global_skip",
                default=True,
                advanced=True,
                help="Add the result to the bicubic image, so that training starts at bicubic quality.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(["extract", "mapping", "expand"]),
        attribution_layer=lambda params, io: "expand",
        fits=lambda params, io: scale_problem(io.scale),
    )
)
