"""A frozen encoder in whose five levels images are compared: VGG-19's, or one of random filters."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.data.draws import generator
from kdexplorer.distillation.footprint import tensor_bytes
from kdexplorer.distillation.method import full_precision
from kdexplorer.models.normalization import IMAGENET
from kdexplorer.params import ConfigError

CONVOLUTION, POOLING = "c", "p"
# Levels end behind relu1_1, relu2_1, relu3_1, relu4_1, relu5_1.
VGG19_LEVELS = ("c", "cpc", "cpc", "cccpc", "cccpc")
VGG19_WIDTHS = (64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512)
VGG19_FILE = "vgg19-dcbb9e9d.pth"
RANDOM_LEVELS = ("c", "pc", "pc", "pc", "pc")
RANDOM_WIDTHS = (16, 32, 64, 64, 64)


class ImageEncoder(nn.Module):
    """3×3 convolutions with ReLU and 2×2 max pooling: [B, C, H, W] → the features of five levels.

    The weights are buffers that no checkpoint holds: they are the same in every run, and are never trained.

    Args:
        levels: of each level, its convolutions (`c`) and poolings (`p`) in order.
        weights: (weight [out, in, 3, 3], bias [out]) of each convolution.
        mean, std: what the images are normalised by, a number a channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        levels: tuple[str, ...],
        weights: list[tuple[Tensor, Tensor]],
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.levels = levels
        for index, (weight, bias) in enumerate(weights):
            self.register_buffer(f"weight{index}", weight, persistent=False)
            self.register_buffer(f"bias{index}", bias, persistent=False)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = (full_precision(images) - self.mean) / self.std
        features, index = [], 0
        for level in self.levels:
            for step in level:
                if step == CONVOLUTION:
                    weight, bias = getattr(self, f"weight{index}"), getattr(self, f"bias{index}")
                    x = F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), padding=1).relu()
                    index += 1
                elif min(x.shape[-2:]) > 1:
                    x = F.max_pool2d(x, 2)
            features.append(x)
        return features


def random_encoder(channels: int) -> ImageEncoder:
    """VGG's shape, thinner, with orthogonal filters drawn once and for all.

    Random filters keep what an image looks like: He et al., arXiv 1606.04801.
    """
    half = (0.5,) * channels
    return ImageEncoder(RANDOM_LEVELS, list(_random_filters(channels)), half, half)


@functools.cache
def _random_filters(channels: int) -> tuple[tuple[Tensor, Tensor], ...]:
    draws = generator("cpu", "random encoder", channels)
    weights, width = [], channels
    for out in RANDOM_WIDTHS:
        inside = 9 * width
        directions = torch.linalg.qr(torch.randn(max(out, inside), min(out, inside), generator=draws)).Q
        filters = (directions if out >= inside else directions.T).reshape(out, width, 3, 3)
        weights.append((filters.contiguous() * 2**0.5, torch.zeros(out)))  # √2: ReLU halves the power
        width = out
    return tuple(weights)


def vgg19_encoder(channels: int, folder: Path | None = None) -> ImageEncoder:
    """VGG-19 trained on ImageNet, arXiv 1409.1556, from the file that torchvision downloads.

    Args:
        channels: of the images, 1 or 3; gray ones are read as three equal channels.
        folder: where the file lies; torch's hub cache if None.

    Raises:
        ConfigError: the file is not there or is not VGG-19, or the images are neither gray nor in colour.
    """
    if channels not in (1, 3):
        raise ConfigError(
            f"VGG-19 takes gray or colour images, not {channels} channels: choose random filters."
        )
    path = (folder or Path(torch.hub.get_dir()) / "checkpoints") / VGG19_FILE
    if not path.is_file():
        raise ConfigError(
            f"VGG-19's weights are not on this machine: put {VGG19_FILE} into {path.parent}, "
            "or choose random filters as encoder."
        )
    try:
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        layers = sorted(int(k.split(".")[1]) for k in state if k.startswith("features.") and "weight" in k)
        weights = [
            (state[f"features.{layer}.weight"].float(), state[f"features.{layer}.bias"].float())
            for layer in layers[: len(VGG19_WIDTHS)]
        ]
        if tuple(bias.numel() for _, bias in weights) != VGG19_WIDTHS:
            raise ValueError("other layers")
    except Exception as error:  # a damaged file fails in many ways
        raise ConfigError(f"{VGG19_FILE} is damaged or not VGG-19 ({error}): download it again.") from None
    # a gray image is broadcast to three channels by the normalisation
    return ImageEncoder(VGG19_LEVELS, weights, *IMAGENET)


def feature_bytes(kind: str, shape: tuple[int, ...]) -> int:
    """Bytes of everything that the encoder `kind` computes for one image [C, H, W]."""
    levels, widths = (VGG19_LEVELS, VGG19_WIDTHS) if kind == "vgg19" else (RANDOM_LEVELS, RANDOM_WIDTHS)
    total, index, (height, width) = 0, 0, shape[1:]
    for step in "".join(levels):
        if step == POOLING:
            height, width = max(height // 2, 1), max(width // 2, 1)
        else:
            total += 2 * tensor_bytes(widths[index], height, width)  # before and behind the ReLU
            index += 1
    return total
