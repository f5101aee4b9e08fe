"""DnCNN: a plain stack of convolutions that predicts the noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import same_size_problem
from kdexplorer.params import Param


class DnCNN(nn.Module):
    """Residual denoiser, arXiv 1608.03981: [B, C, H, W] → x − f(x), same shape.

    The state dict's keys are those of the KAIR release (`model.0`, `model.2`, … without batch norm).
    """

    def __init__(self, channels: int, width: int, depth: int, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
        last = nn.Conv2d(width, channels, 3, padding=1)
        self.model = nn.Sequential(*layers, last)
        for layer in self.model:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(
            last.weight, std=1e-3
        )  # starts as the noisy input, and the body has a gradient at once

    def forward(self, images: Tensor) -> Tensor:
        noise: Tensor = self.model(images)
        return images - noise


def _build(params: Mapping[str, Any], io: ModelIO) -> DnCNN:
    return DnCNN(io.channels, params["width"], params["depth"], params["batch_norm"])


def _activations(params: Mapping[str, Any]) -> list[str]:
    step = 3 if params["batch_norm"] else 2
    return [f"model.{1 + step * layer}" for layer in range(params["depth"] - 1)]


MODELS.add(
    ModelSpec(
        id="dncnn",
        title="DnCNN",
        order=10,
        summary="A stack of 3 × 3 convolutions that predicts the noise and subtracts it.",
        tasks=("restoration",),
        paper="arXiv 1608.03981",
        params=(
            Param(name="width", default=48, minimum=8, maximum=128, help="Channels of every hidden layer."),
            Param(name="depth", default=8, minimum=3, maximum=20, help="Convolutions from input to output."),
            Param(
                name="batch_norm",
                default=False,
                advanced=True,
                help="Normalise hidden layers over the batch, as the paper does.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_activations(params)),
        attribution_layer=lambda params, io: _activations(params)[-1],
        fits=lambda params, io: same_size_problem(io.scale),
    )
)
