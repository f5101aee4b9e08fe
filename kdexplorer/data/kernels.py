"""Blurring with a kernel for each image: Gaussians, discs, and lines of motion."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def convolve(images: Tensor, kernels: Tensor) -> Tensor:
    """Filter float [B, C, H, W] with kernels [B, k, l] of odd sides, one an image; edges are mirrored."""
    batch, channels, height, width = images.shape
    down, right = (side // 2 for side in kernels.shape[-2:])
    # A mirror is no larger than what it shows; what goes beyond repeats the edge.
    mode = "reflect" if down < height and right < width else "replicate"
    padded = F.pad(images, (right, right, down, down), mode=mode)
    # One channel of one image is one group, so that every image has its own kernel.
    each = kernels.to(images.dtype).repeat_interleave(channels, dim=0).unsqueeze(1)
    packed = padded.reshape(1, batch * channels, *padded.shape[-2:])
    return F.conv2d(packed, each, groups=batch * channels).view(batch, channels, height, width)


def gaussian_blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blur float [B, C, H, W] with standard deviations `sigma` [B] in pixels, cut at `radius`."""
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma[:, None] ** 2))
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    return convolve(convolve(images, kernel[:, :, None]), kernel[:, None, :])


def disc(radius: Tensor, reach: int) -> Tensor:
    """Discs of `radius` [B] pixels with smooth edges, [B, 2·reach + 1, 2·reach + 1], each summing to 1."""
    y, x = _grid(reach, radius.device)
    kernel = (radius[:, None, None] + 0.5 - torch.hypot(y, x)).clamp(0, 1)
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)


def line(length: Tensor, angle: Tensor, reach: int) -> Tensor:
    """Lines of `length` [B] pixels at `angle` [B] (radians, 0 to the right), as `disc`."""
    y, x = _grid(reach, length.device)
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    half = ((length - 1) / 2).clamp(min=0)[:, None, None]
    along, across = x * cosine + y * sine, y * cosine - x * sine
    beyond = (along.abs() - half).clamp(min=0)
    kernel = (1 - torch.hypot(beyond, across)).clamp(min=0)
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)


def _grid(reach: int, device: torch.device) -> tuple[Tensor, Tensor]:
    offsets = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32)
    return offsets[None, :, None], offsets[None, None, :]
