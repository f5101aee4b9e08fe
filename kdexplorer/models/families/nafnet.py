"""NAFNet: a U of blocks that gate and multiply where others activate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.restorer import Restorer, start_constant
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import same_size_problem
from kdexplorer.params import Param


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel, [B, C, H, W] → same shape.

    In place of spandrel's, whose own backward pass cannot be differentiated again.
    """

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        last = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return last.permute(0, 3, 1, 2)


def _build(params: Mapping[str, Any], io: ModelIO) -> Restorer:
    from spandrel.architectures.NAFNet import NAFNet

    net: Any = NAFNet(
        img_channel=io.channels,
        width=params["width"],
        middle_blk_num=params["middle_blocks"],
        enc_blk_nums=[params["blocks"]] * params["levels"],
        dec_blk_nums=[params["blocks"]] * params["levels"],
    )
    for module in list(net.modules()):
        for name, child in module.named_children():
            if type(child).__name__ == "LayerNorm2d":
                setattr(module, name, ChannelNorm(len(child.weight), child.eps))
    start_constant(net.ending)
    return Restorer(net, multiple=2 ** params["levels"])


def _levels(params: Mapping[str, Any]) -> list[str]:
    levels = range(params["levels"])
    return [
        *(f"net.encoders.{level}" for level in levels),
        "net.middle_blks",
        *(f"net.decoders.{level}" for level in levels),
    ]


MODELS.add(
    ModelSpec(
        id="nafnet",
        title="NAFNet",
        order=13,
        summary="A U of blocks that multiply where others activate, with an attention over the channels.",
        tasks=("restoration",),
        paper="arXiv 2204.04676",
        params=(
            Param(
                name="width",
                default=16,
                minimum=4,
                maximum=64,
                help="Channels at full size; each level doubles them.",
            ),
            Param(name="levels", default=2, minimum=1, maximum=4, help="How often the image is halved."),
            Param(
                name="blocks",
                default=1,
                minimum=1,
                maximum=4,
                help="Blocks of each level, on the way down and up.",
            ),
            Param(
                name="middle_blocks", default=1, minimum=1, maximum=12, help="Blocks at the smallest size."
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_levels(params)),
        attribution_layer=lambda params, io: _levels(params)[-1],
        fits=lambda params, io: same_size_problem(io.scale),
    )
)
