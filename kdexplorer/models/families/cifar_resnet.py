"""The ResNets for small images: three stages, 6n + 2 layers, no learned shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.normalization import normalization
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import deepest_map, numbered
from kdexplorer.params import Param


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut that subsamples and pads with zero channels (option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.padding = (outputs - inputs) // 2

    def forward(self, features: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(features)))))
        if self.stride > 1:
            features = features[:, :, :: self.stride, :: self.stride]
        if self.padding:
            features = F.pad(features, (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(residual + features)


class CifarResNet(nn.Module):
    """ResNet of section 4.2, arXiv 1512.03385: [B, C, H, W] in [0, 1] → logits [B, classes]."""

    def __init__(self, channels: int, classes: int, depth: int, width: int, normalize: str) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.normalize = normalization(normalize, channels)
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._stage(width, width, blocks, 1)
        self.layer2 = self._stage(width, 2 * width, blocks, 2)
        self.layer3 = self._stage(2 * width, 4 * width, blocks, 2)
        self.linear = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    @staticmethod
    def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
        rest = [BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
        return nn.Sequential(BasicBlock(inputs, outputs, stride), *rest)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.bn1(self.conv1(self.normalize(images))))
        features = self.layer3(self.layer2(self.layer1(features)))
        logits: Tensor = self.linear(features.mean((2, 3)))
        return logits


def _build(params: Mapping[str, Any], io: ModelIO) -> CifarResNet:
    return CifarResNet(io.channels, io.classes, params["depth"], params["width"], params["normalize"])


_STAGES = (("layer1", 1), ("layer2", 2), ("layer3", 4))  # path, stride

MODELS.add(
    ModelSpec(
        id="cifar_resnet",
        title="CIFAR ResNet",
        order=11,
        summary="Three stages of residual blocks for small images; 20 layers hold 0.27 M parameters.",
        tasks=("classification",),
        paper="arXiv 1512.03385",
        params=(
            Param(
                name="depth",
                default=20,
                choices=(8, 14, 20, 32, 44, 56, 110),
                help="Layers with weights.",
            ),
            Param(
                name="width",
                default=16,
                minimum=4,
                maximum=64,
                help="Channels of the first stage; they double twice.",
            ),
            Param(
                name="normalize",
                default="imagenet",
                choices=("none", "half", "imagenet", "cifar10"),
                advanced=True,
                help="Mean and deviation taken off the input: those that the weights were trained with.",
            ),
        ),
        build=_build,
        stages=lambda params, io: numbered([path for path, _ in _STAGES]),
        attribution_layer=lambda params, io: deepest_map(_STAGES, io.size),
        fits=lambda params, io: (
            f"it needs images of at least 8 × 8 pixels, not {io.size}." if 0 < io.size < 8 else None
        ),
    )
)
