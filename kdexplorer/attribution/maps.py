"""From what a layer gives to maps over the image."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from kdexplorer.params import ConfigError

MAX_EXTRA_TOKENS = 8  # class, distillation and register tokens stand before the patches


def token_grid(count: int, height: int, width: int) -> tuple[int, int, int]:
    """How `count` tokens cover an image of `height` × `width`: (tokens before the patches, rows, columns).

    Raises:
        ConfigError: they form no grid of the image's proportions.
    """
    for extra in range(min(MAX_EXTRA_TOKENS, count - 1) + 1):
        rows = round(math.sqrt((count - extra) * height / width))
        if rows and (count - extra) % rows == 0:
            columns = (count - extra) // rows
            if rows * width == columns * height:
                return extra, rows, columns
    raise ConfigError(
        f"The layer's {count} tokens form no grid over {height} × {width} pixels: choose another layer."
    )


def feature_map(features: Tensor, height: int, width: int) -> Tensor:
    """Features [B, C, h, w] as they are; tokens [B, N, C] as [B, C, rows, columns], without class tokens.

    Raises:
        ConfigError: neither of them.
    """
    if features.dim() == 4:
        return features
    if features.dim() != 3:
        raise ConfigError(
            f"The layer gives {features.dim()} dimensions, not a map or tokens: choose another layer."
        )
    extra, rows, columns = token_grid(features.shape[1], height, width)
    batch, _, channels = features.shape
    return features[:, extra:].transpose(1, 2).reshape(batch, channels, rows, columns)


def heatmap(raw: Tensor, height: int, width: int) -> Tensor:
    """Maps [B, h, w] resized to the image, negatives cut off, each divided by its maximum: [B, H, W] in [0, 1].

    A map without a positive value stays zero.
    """
    large = F.interpolate(
        raw.detach().float()[:, None].relu(), (height, width), mode="bilinear", align_corners=False
    )
    maps = large[:, 0]
    peak = maps.amax((1, 2), keepdim=True)
    return maps / peak.where(peak > 0, peak.new_ones(()))
