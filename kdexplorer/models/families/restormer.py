"""Restormer: a U of transformer blocks whose attention is between channels, not pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.padding import mirrored
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import same_size_problem, silence
from kdexplorer.params import Param

HEADS = (1, 2, 4, 8)  # of the four levels: each head has as many channels as the first level
EXPANSION = 2.66  # of the feed-forward part


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel; without a bias it keeps the mean."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.body = nn.Module()
        self.body.weight = nn.Parameter(torch.ones(channels))
        self.body.register_parameter("bias", nn.Parameter(torch.zeros(channels)) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.body.weight, self.body.bias
        if bias is None:
            return x / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt() * weight.view(-1, 1, 1)  # type: ignore[operator]
        last = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), weight, bias, 1e-5)  # type: ignore[arg-type]
        return last.permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Each channel of a head looks at the head's other channels over all pixels: [B, C, H, W] → same shape."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width, bias=False)
        self.project_out = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.qkv_dwconv(self.qkv(x))
        # 3 × [B, heads, C / heads, H·W]
        query, key, value = mixed.flatten(2).unflatten(1, (3, self.heads, -1)).unbind(1)
        similar = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1)
        seen = (similar * self.temperature).softmax(dim=-1) @ value
        output: Tensor = self.project_out(seen.flatten(1, 2).unflatten(2, x.shape[2:]))
        return output


class FeedForward(nn.Module):
    """Half of the widened channels gates the other half."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = int(EXPANSION * width)
        self.project_in = nn.Conv2d(width, 2 * hidden, 1, bias=False)
        self.dwconv = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project_out = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, gated = self.dwconv(self.project_in(x)).chunk(2, dim=1)
        output: Tensor = self.project_out(F.gelu(gate) * gated)
        return output


class Block(nn.Module):
    """x + attention(norm(x)), then the same with the feed-forward part."""

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(width, bias)
        self.attn = Attention(width, heads)
        self.norm2 = ChannelNorm(width, bias)
        self.ffn = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        output: Tensor = x + self.ffn(self.norm2(x))
        return output


class Resize(nn.Module):
    """Half the size and twice the channels, or the other way round."""

    def __init__(self, width: int, *, down: bool) -> None:
        super().__init__()
        conv = nn.Conv2d(width, width // 2 if down else 2 * width, 3, padding=1, bias=False)
        self.body = nn.Sequential(conv, nn.PixelUnshuffle(2) if down else nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.body(x)
        return output


class Restormer(nn.Module):
    """Restoration transformer, arXiv 2111.09881: [B, C, H, W] → x + f(x), same shape; f starts at 0.

    The state dict's keys are those of the authors' release, where width is 48. Sides are mirrored up to multiples
    of 8 and cut again.
    """

    def __init__(
        self, channels: int, width: int, depths: tuple[int, ...], refinement: int, bias: bool
    ) -> None:
        super().__init__()

        def level(depth: int, level: int, wide: int) -> nn.Sequential:
            return nn.Sequential(*(Block(wide, HEADS[level], bias) for _ in range(depth)))

        widths = [width * 2**step for step in range(4)]
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.encoder_level1 = level(depths[0], 0, widths[0])
        self.down1_2 = Resize(widths[0], down=True)
        self.encoder_level2 = level(depths[1], 1, widths[1])
        self.down2_3 = Resize(widths[1], down=True)
        self.encoder_level3 = level(depths[2], 2, widths[2])
        self.down3_4 = Resize(widths[2], down=True)
        self.latent = level(depths[3], 3, widths[3])
        self.up4_3 = Resize(widths[3], down=False)
        self.reduce_chan_level3 = nn.Conv2d(widths[3], widths[2], 1, bias=False)
        self.decoder_level3 = level(depths[2], 2, widths[2])
        self.up3_2 = Resize(widths[2], down=False)
        self.reduce_chan_level2 = nn.Conv2d(widths[2], widths[1], 1, bias=False)
        self.decoder_level2 = level(depths[1], 1, widths[1])
        self.up2_1 = Resize(widths[1], down=False)
        self.decoder_level1 = level(depths[0], 0, widths[1])
        self.refinement = level(refinement, 0, widths[1])
        self.output = nn.Conv2d(widths[1], channels, 3, padding=1, bias=False)
        silence(self.output)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        first = self.encoder_level1(self.patch_embed.proj(mirrored(images, 8)))  # type: ignore[operator]
        second = self.encoder_level2(self.down1_2(first))
        third = self.encoder_level3(self.down2_3(second))
        deepest = self.latent(self.down3_4(third))
        third = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(deepest), third], 1)))
        second = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(third), second], 1)))
        first = self.refinement(self.decoder_level1(torch.cat([self.up2_1(second), first], 1)))
        output: Tensor = self.output(first)
        return images + output[..., :height, :width]


def _build(params: Mapping[str, Any], io: ModelIO) -> Restormer:
    depths = tuple(int(depth) for depth in params["depths"].split("-"))
    return Restormer(io.channels, params["width"], depths, params["refinement"], params["norm_bias"])


def _levels(params: Mapping[str, Any]) -> list[str]:
    encoder = [f"encoder_level{level}" for level in (1, 2, 3)]
    decoder = [f"decoder_level{level}" for level in (3, 2, 1)]
    return [*encoder, "latent", *decoder, "refinement"]


MODELS.add(
    ModelSpec(
        id="restormer",
        title="Restormer",
        order=14,
        summary="A transformer in a U: the channels attend to each other, so that size costs little.",
        tasks=("restoration",),
        paper="arXiv 2111.09881",
        params=(
            Param(
                name="width", default=8, minimum=4, maximum=48, help="Channels at full size; 48 as published."
            ),
            Param(
                name="depths",
                default="1-1-1-1",
                choices=("1-1-1-1", "1-2-2-2", "2-3-3-4", "4-6-6-8"),
                help="Blocks of the four levels, from full size to an eighth; the last as published.",
            ),
            Param(
                name="refinement", default=1, minimum=1, maximum=4, help="Blocks at the end; 4 as published."
            ),
            Param(
                name="norm_bias",
                default=True,
                advanced=True,
                help="Layer norm with a bias; the published denoisers have none.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_levels(params)),
        attribution_layer=lambda params, io: _levels(params)[-1],
        fits=lambda params, io: same_size_problem(io.scale),
    )
)
