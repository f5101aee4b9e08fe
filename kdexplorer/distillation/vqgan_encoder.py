"""The encoder and codebook of the ImageNet VQGAN (f16, 1024 words), from the file that its authors publish."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.frozen import frozen
from kdexplorer.distillation.vq_encoder import CategoryEncoder, as_color
from kdexplorer.home import home, shown_name
from kdexplorer.models.checkpoint_file import read_weights
from kdexplorer.params import ConfigError

CHANNELS, MULTIPLIERS, BLOCKS = 128, (1, 1, 2, 2, 4), 2
DIMENSIONS, WORDS = 256, 1024
FILES = ("vqgan_imagenet_f16_1024.safetensors", "vqgan_imagenet_f16_1024.ckpt", "VQGAN_f16_n1024.ckpt")


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels, eps=1e-6)


class ResnetBlock(nn.Module):
    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = _norm(inside), nn.Conv2d(inside, out, 3, padding=1)
        self.norm2, self.conv2 = _norm(out), nn.Conv2d(out, out, 3, padding=1)
        if inside != out:
            self.nin_shortcut = nn.Conv2d(inside, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        kept: Tensor = self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x
        return kept + h


class AttentionBlock(nn.Module):
    """Self-attention over all places, one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        q, k, v = (layer(h).flatten(2).transpose(1, 2) for layer in (self.q, self.k, self.v))
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        found: Tensor = self.proj_out(seen)
        return x + found


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return h


class Level(nn.Module):
    """Blocks of one resolution, at the last with attention behind each, before it with a halving at the end."""

    def __init__(self, inside: int, out: int, last: bool) -> None:
        super().__init__()
        widths = [inside, *[out] * (BLOCKS - 1)]
        self.block = nn.ModuleList(ResnetBlock(width, out) for width in widths)
        self.attn = nn.ModuleList(AttentionBlock(out) for _ in widths if last)
        if not last:
            self.downsample = Downsample(out)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What its first block gives, and what it gives itself."""
        first: Tensor | None = None
        for index, block in enumerate(self.block):
            x = block(x)
            first = x if first is None else first
            if len(self.attn):
                x = self.attn[index](x)
        assert first is not None
        return first, self.downsample(x) if hasattr(self, "downsample") else x


class Middle(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1, self.block_2 = ResnetBlock(channels, channels), ResnetBlock(channels, channels)
        self.attn_1 = AttentionBlock(channels)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.block_2(self.attn_1(self.block_1(x)))
        return h


class Encoder(nn.Module):
    """Names of its layers are those of the published file. Inputs are in [−1, 1]."""

    def __init__(self, channels: int = CHANNELS, dimensions: int = DIMENSIONS) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, channels, 3, padding=1)
        widths = [channels, *(channels * times for times in MULTIPLIERS)]
        self.down = nn.ModuleList(
            Level(inside, out, last=level == len(MULTIPLIERS) - 1)
            for level, (inside, out) in enumerate(itertools.pairwise(widths))
        )
        self.mid = Middle(widths[-1])
        self.norm_out, self.conv_out = _norm(widths[-1]), nn.Conv2d(widths[-1], dimensions, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The feature behind the first block of each level, and the latent."""
        h, levels = self.conv_in(x), []
        for level in self.down:
            first, h = level(h)
            levels.append(first)
        return levels, self.conv_out(F.silu(self.norm_out(self.mid(h))))


class VQGANEncoder(CategoryEncoder):
    """Encoder, 1×1 convolution and codebook; see `CategoryEncoder`.

    Images are mapped to [−1, 1], as it was trained on; DCKD's code leaves them in [0, 1].

    Paper: Esser et al., "Taming Transformers for High-Resolution Image Synthesis", arXiv 2012.09841.
    """

    def __init__(self, channels: int = CHANNELS, dimensions: int = DIMENSIONS, words: int = WORDS) -> None:
        super().__init__()
        self.encoder = Encoder(channels, dimensions)
        self.quant_conv = nn.Conv2d(dimensions, dimensions, 1)
        self.register_buffer("codebook", torch.zeros(words, dimensions))

    def levels(self, images: Tensor) -> list[Tensor]:
        found: list[Tensor] = self.encoder(as_color(images) * 2 - 1)[0]
        return found

    def latent(self, images: Tensor) -> Tensor:
        z: Tensor = self.quant_conv(self.encoder(as_color(images) * 2 - 1)[1])
        return z


def vqgan_file(folder: Path | None = None) -> Path:
    """Where the published file lies.

    Raises:
        ConfigError: it is not there; says where to put it.
    """
    folder = folder or home() / "weights"
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(
        f"The ImageNet VQGAN is not on this machine: put {FILES[1]} (CompVis, taming-transformers) into {folder}, "
        "or choose the bundled encoder."
    )


def vqgan_encoder(path: Path | None = None, channels: int = CHANNELS) -> VQGANEncoder:
    """The frozen encoder from `path`, or from where a person puts it.

    Raises:
        ConfigError: not there, not readable without running code, or another network.
    """
    path = path or vqgan_file()
    state, _ = read_weights(path)
    encoder = VQGANEncoder(channels)
    own = _renamed(state)
    expected = encoder.state_dict()
    lacking = [key for key, value in expected.items() if key not in own or own[key].shape != value.shape]
    if lacking:
        raise ConfigError(
            f"{shown_name(path)} is not the ImageNet VQGAN with f16 and 1024 words: {lacking[0]} is missing or has another "
            f"shape ({len(lacking)} of {len(expected)} do not fit)."
        )
    encoder.load_state_dict({key: own[key].float() for key in expected})
    return frozen(encoder)


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without decoder and discriminator, the codebook under our name."""
    found = {key: value for key, value in state.items() if key.startswith(("encoder.", "quant_conv."))}
    if "quantize.embedding.weight" in state:
        found["codebook"] = state["quantize.embedding.weight"]
    return found
