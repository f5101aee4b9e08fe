"""Images in as many channels as a network takes."""

from __future__ import annotations

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # BT.601, full range: what Pillow and OpenCV read a file as gray with


def in_channels(images: Tensor, channels: int) -> Tensor:
    """Float [B, 3, H, W] in [0, 1] as it is, or for one channel its luma at 8 bits, [B, 1, H, W]; gray keeps its values."""
    if channels == images.shape[1]:
        return images
    luma = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    return luma.mul(255).round().div(255)
