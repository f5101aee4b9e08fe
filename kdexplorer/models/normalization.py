"""Input normalisation: it lives inside the networks, so that all of them take images in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR10 = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
CONSTANTS = {"half": HALF, "imagenet": IMAGENET, "cifar10": CIFAR10}


class Normalize(nn.Module):
    """(x − mean) / std per channel, [B, C, H, W] to the same; the constants stay out of the state dict.

    Where the image has another number of channels than the constants, all its channels take their average.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float], channels: int) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            if len(values) != channels:
                values = [sum(values) / len(values)] * channels
            self.register_buffer(name, torch.tensor(list(values)).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


def normalization(name: str, channels: int) -> nn.Module:
    """The module for `none`, `half`, `imagenet` or `cifar10`."""
    return nn.Identity() if name == "none" else Normalize(*CONSTANTS[name], channels)
