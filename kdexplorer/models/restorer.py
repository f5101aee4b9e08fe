"""Restoration networks of other libraries, made to behave as ours do."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kdexplorer.models.foreign import without_inplace, without_randomness
from kdexplorer.models.padding import mirrored
from kdexplorer.models.upsampling import bicubic

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # of red, green, blue; RCAN and SwinIR subtract it


class Restorer(nn.Module):
    """A network of another library on images of any size.

    [B, C, H, W] in [0, 1] → [B, C, scale·H, scale·W]; sides are mirrored up to multiples of `multiple` and cut
    again. With `global_skip` the bicubic image is added. Nothing in it is in place or draws random numbers. The
    state dict's keys are the library's behind `net.`.
    """

    def __init__(
        self, net: nn.Module, *, scale: int = 1, multiple: int = 1, global_skip: bool = False
    ) -> None:
        super().__init__()
        self.net = without_randomness(without_inplace(net))
        self.scale = scale
        self.multiple = multiple
        self.global_skip = global_skip

    def forward(self, images: Tensor) -> Tensor:
        height, width = (self.scale * side for side in images.shape[-2:])
        output: Tensor = self.net(mirrored(images, self.multiple))[..., :height, :width]
        return output + bicubic(images, self.scale) if self.global_skip else output


def start_constant(layer: nn.Conv2d, value: Sequence[float] = (0.0,)) -> None:
    """Let a last convolution give `value` (of each image channel) everywhere, whatever comes in.

    Its channels may be those of a pixel shuffle: each image channel's stand together.
    """
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    with torch.no_grad():
        layer.bias.copy_(torch.tensor(value).repeat_interleave(len(layer.bias) // len(value)))
