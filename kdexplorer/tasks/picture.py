"""Tensors as pictures for a page."""

from __future__ import annotations

import base64
import io

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

# Cividis at five points: even in lightness, and the same to colour-blind eyes.
_HEAT = torch.tensor([[0, 32, 76], [66, 78, 108], [124, 123, 120], [187, 175, 113], [255, 234, 70]]) / 255


def data_uri(image: Tensor) -> str:
    """An image [C, H, W] in [0, 1], C = 1 or 3, as a PNG in a data URI."""
    pixels = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8).cpu()
    picture = Image.fromarray(pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def middle(image: Tensor, pixels: int) -> Tensor:
    """The middle of at most `pixels` of images [..., H, W], in their proportions; all of smaller ones."""
    height, width = image.shape[-2:]
    if height * width <= pixels:
        return image
    keep = (pixels / (height * width)) ** 0.5
    rows, columns = max(1, int(height * keep)), max(1, int(width * keep))
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[..., top : top + rows, left : left + columns]


def thumbnail(image: Tensor, side: int = 96) -> str:
    """An image [C, H, W] as `data_uri` gives it, shrunk to at most `side` pixels a side."""
    height, width = image.shape[-2:]
    if max(height, width) > side:
        shrink = side / max(height, width)
        size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
        image = F.interpolate(image.detach().float().unsqueeze(0), size, mode="area").squeeze(0)
    return data_uri(image)


def sketch(image: Tensor, side: int = 96) -> str:
    """As `thumbnail`, but a JPEG where it is large enough: noise takes a tenth of the bytes, for a list to choose from."""
    if max(image.shape[-2:]) <= side // 2:
        return data_uri(image)
    shrink = min(1.0, side / max(image.shape[-2:]))
    size = [max(1, round(length * shrink)) for length in image.shape[-2:]]
    small = F.interpolate(image.detach().float().unsqueeze(0), size, mode="area").squeeze(0)
    pixels = (small.clamp(0, 1) * 255).round().to(torch.uint8).cpu().expand(3, -1, -1).permute(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels.contiguous().numpy()).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def heat(map: Tensor) -> Tensor:
    """A map [H, W] in [0, 1] as colours [3, H, W]."""
    place = map.detach().float().cpu().clamp(0, 1) * (len(_HEAT) - 1)
    low = place.floor().long().clamp(max=len(_HEAT) - 2)
    share = (place - low).unsqueeze(-1)
    return ((1 - share) * _HEAT[low] + share * _HEAT[low + 1]).permute(2, 0, 1)


def overlay(picture: Tensor, map: Tensor, strength: float = 0.6) -> Tensor:
    """A heat map [H, W] laid over the gray version of a picture [C, H, W]."""
    gray = picture.detach().float().cpu().mean(dim=0, keepdim=True).clamp(0, 1)
    return (1 - strength) * gray + strength * heat(map)
