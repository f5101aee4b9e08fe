"""AOD-Net: removes haze with one small map that holds transmission and airlight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import same_size_problem
from kdexplorer.params import Param


class AODNet(nn.Module):
    """All-in-one dehazing (Li et al., ICCV 2017): [B, C, H, W] → K(x)·x − K(x) + 1, same shape.

    K ≥ 0 comes from five convolutions whose outputs meet again; it starts at 1, where the output is the input. The
    state dict's keys are those of the authors' release (`e_conv1` … `e_conv5`), the width there is 3.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.e_conv1 = nn.Conv2d(channels, width, 1)
        self.e_conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.e_conv3 = nn.Conv2d(2 * width, width, 5, padding=2)
        self.e_conv4 = nn.Conv2d(2 * width, width, 7, padding=3)
        self.e_conv5 = nn.Conv2d(4 * width, channels, 3, padding=1)
        self.active = nn.ModuleList(nn.ReLU() for _ in range(5))
        nn.init.zeros_(self.e_conv5.weight)
        nn.init.ones_(self.e_conv5.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        first = self.active[0](self.e_conv1(images))
        second = self.active[1](self.e_conv2(first))
        third = self.active[2](self.e_conv3(torch.cat([first, second], dim=1)))
        fourth = self.active[3](self.e_conv4(torch.cat([second, third], dim=1)))
        k: Tensor = self.active[4](self.e_conv5(torch.cat([first, second, third, fourth], dim=1)))
        return k * (images - 1) + 1


def _layers(params: Mapping[str, Any]) -> list[str]:
    return [f"active.{layer}" for layer in range(4)]


MODELS.add(
    ModelSpec(
        id="aod_net",
        title="AOD-Net",
        order=15,
        summary="Removes haze with one map K, from five small convolutions: K · x − K + 1.",
        tasks=("restoration",),
        paper="ICCV 2017",
        params=(
            Param(
                name="width",
                default=3,
                minimum=3,
                maximum=64,
                help="Channels of the first four layers; 3 as published.",
            ),
        ),
        build=lambda params, io: AODNet(io.channels, params["width"]),
        stages=lambda params, io: by_depth(_layers(params)),
        attribution_layer=lambda params, io: _layers(params)[-1],
        fits=lambda params, io: same_size_problem(io.scale),
    )
)
