"""A multilayer perceptron: it knows nothing of neighbouring pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from kdexplorer.models.normalization import normalization
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import numbered
from kdexplorer.params import Param


class Hidden(nn.Sequential):
    """Linear and ReLU on [B, C, H, W]; gives [B, width, 1, 1], so that it pairs with feature maps."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Unflatten(1, (width, 1, 1)))


class MLP(nn.Module):
    """`depth` hidden layers, [B, C, size, size] in [0, 1] → logits [B, classes]."""

    def __init__(self, inputs: int, channels: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.normalize = normalization("half", channels)
        self.layers = nn.Sequential(*[Hidden(width if layer else inputs, width) for layer in range(depth)])
        self.linear = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.layers(self.normalize(images)).flatten(1))
        return logits


def _build(params: Mapping[str, Any], io: ModelIO) -> MLP:
    inputs = io.channels * io.size**2
    return MLP(inputs, io.channels, io.classes, params["width"], params["depth"])


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    if io.size == 0:
        return "it needs images of one fixed size."
    if io.size > 128:
        return f"its first layer would be too large for {io.size} × {io.size} images: use at most 128 pixels."
    return None


MODELS.add(
    ModelSpec(
        id="mlp",
        title="MLP",
        order=12,
        summary="Fully connected layers on the flattened image; it has no feature maps.",
        tasks=("classification",),
        params=(
            Param(
                name="width",
                default=64,
                minimum=4,
                maximum=2048,
                log=True,
                help="Units of every hidden layer.",
            ),
            Param(name="depth", default=2, minimum=1, maximum=6, help="Hidden layers."),
        ),
        build=_build,
        stages=lambda params, io: numbered([f"layers.{index}" for index in range(params["depth"])]),
        attribution_layer=lambda params, io: f"layers.{params['depth'] - 1}",
        fits=_fits,
    )
)
