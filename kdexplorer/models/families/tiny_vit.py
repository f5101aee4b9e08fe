"""A tiny vision transformer without a class token: the tokens are the image's patches, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.models.normalization import normalization
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import numbered
from kdexplorer.params import Param


class Attention(nn.Module):
    """Multi-head self-attention, [B, N, dim] → [B, N, dim]; `qkv` gives [B, N, 3·dim] to whoever taps it."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, dim = tokens.shape
        qkv = self.qkv(tokens).view(batch, count, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        output: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, dim))
        return output


class Block(nn.Module):
    """Attention, then an MLP, each on normalised tokens and added to them."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        output: Tensor = tokens + self.mlp(self.norm2(tokens))
        return output


class TinyViT(nn.Module):
    """Vision transformer, arXiv 2010.11929, with mean pooling.

    [B, C, size, size] in [0, 1] → logits [B, classes].
    """

    def __init__(self, io: ModelIO, dim: int, depth: int, heads: int, patch: int) -> None:
        super().__init__()
        self.normalize = normalization("half", io.channels)
        self.embed = nn.Conv2d(io.channels, dim, patch, stride=patch)
        self.position = nn.Parameter(torch.empty(1, (io.size // patch) ** 2, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.linear = nn.Linear(dim, io.classes)
        nn.init.normal_(self.position, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embed(self.normalize(images)).flatten(2).transpose(1, 2) + self.position
        logits: Tensor = self.linear(self.norm(self.blocks(tokens)).mean(1))
        return logits


def _build(params: Mapping[str, Any], io: ModelIO) -> TinyViT:
    return TinyViT(io, params["dim"], params["depth"], params["heads"], params["patch"])


def _blocks(params: Mapping[str, Any]) -> list[str]:
    return [f"blocks.{index}" for index in range(params["depth"])]


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    dim, heads, patch = params["dim"], params["heads"], params["patch"]
    if dim % heads:
        return f"{dim} dimensions do not divide among {heads} heads: choose a multiple of {heads}."
    if io.size == 0:
        return "it needs images of one fixed size."
    if io.size % patch:
        return f"images of {io.size} pixels do not divide into patches of {patch}: choose another patch."
    if (io.size // patch) ** 2 > 1024:
        return (
            f"patches of {patch} make {(io.size // patch) ** 2:,} tokens of an image: choose larger patches."
        )
    return None


MODELS.add(
    ModelSpec(
        id="tiny_vit",
        title="Tiny ViT",
        summary="A vision transformer on small patches, without a class token.",
        tasks=("classification",),
        paper="arXiv 2010.11929",
        params=(
            Param(name="dim", default=64, minimum=8, maximum=384, help="Size of a token."),
            Param(name="depth", default=4, minimum=1, maximum=12, help="Transformer blocks."),
            Param(name="heads", default=4, choices=(1, 2, 3, 4, 6, 8), help="Attention heads of a block."),
            Param(name="patch", default=4, choices=(1, 2, 4, 8, 16), unit="px", help="Side of a patch."),
        ),
        build=_build,
        stages=lambda params, io: numbered(_blocks(params)),
        attribution_layer=lambda params, io: _blocks(params)[-1],
        attention=lambda params, io: {
            f"block{index}": (f"{path}.attn.qkv", params["heads"])
            for index, path in enumerate(_blocks(params), 1)
        },
        fits=_fits,
    )
)
