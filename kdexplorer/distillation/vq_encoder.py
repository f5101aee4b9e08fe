"""A small encoder with a codebook, trained on the bundled photos: images as categories."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from kdexplorer.distillation.frozen import frozen
from kdexplorer.distillation.method import full_precision
from kdexplorer.params import ConfigError
from kdexplorer.weight_file import assets_folder

WIDTHS = (16, 32, 48, 64, 96)  # of the five levels, at 1, 1/2, 1/4, 1/8, 1/16 of the side
DIMENSIONS = 32
WORDS = 256
FILE = "vq_photos.safetensors"


class CategoryEncoder(nn.Module):
    """What DCKD asks of an encoder; images are [B, C, H, W] in [0, 1], C = 1 or 3."""

    codebook: Tensor  # [words, dimensions]

    def levels(self, images: Tensor) -> list[Tensor]:
        """Five features [B, C_i, H / 2^i, W / 2^i]."""
        raise NotImplementedError

    def latent(self, images: Tensor) -> Tensor:
        """What is held against the codebook: z, [B, dimensions, H / 16, W / 16]."""
        raise NotImplementedError


class VQEncoder(CategoryEncoder):
    """Strided convolutions down to 1/16 of the side, and 256 words of 32 dimensions.

    Paper: van den Oord et al., "Neural Discrete Representation Learning", arXiv 1711.00937.
    """

    def __init__(
        self, widths: Sequence[int] = WIDTHS, dimensions: int = DIMENSIONS, words: int = WORDS
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, widths[0], 3, padding=1), nn.SiLU())]
        for inside, out in itertools.pairwise(widths):
            stages.append(
                nn.Sequential(
                    nn.Conv2d(inside, out, 3, stride=2, padding=1),
                    nn.SiLU(),
                    nn.Conv2d(out, out, 3, padding=1),
                    nn.SiLU(),
                )
            )
        self.stages = nn.ModuleList(stages)
        self.to_words = nn.Conv2d(widths[-1], dimensions, 1)
        self.register_buffer("codebook", torch.zeros(words, dimensions))

    def levels(self, images: Tensor) -> list[Tensor]:
        x = as_color(images) * 2 - 1
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def latent(self, images: Tensor) -> Tensor:
        z: Tensor = self.to_words(self.levels(images)[-1])
        return z


def as_color(images: Tensor) -> Tensor:
    """[B, 1 or 3, H, W] → float32 [B, 3, H, W]."""
    images = full_precision(images)
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def nearest_words(z: Tensor, codebook: Tensor) -> Tensor:
    """The nearest word of each place: [B, D, h, w], [K, D] → int64 [B, h, w]."""
    products = torch.einsum("bdhw,kd->bkhw", z, codebook)
    return (codebook.square().sum(dim=1)[:, None, None] - 2 * products).argmin(dim=1)


def bundled_encoder(path: Path | None = None) -> VQEncoder:
    """The encoder that ships with the project, frozen.

    Raises:
        ConfigError: its file is missing or damaged.
    """
    path = path or assets_folder() / "encoders" / FILE
    encoder = VQEncoder()
    try:
        encoder.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ConfigError(
            f"{path.name} is missing or damaged ({type(error).__name__}): install again."
        ) from None
    return frozen(encoder)


class Decoder(nn.Module):
    """Back from words to an image; only training needs it. [B, dimensions, h, w] → [B, 3, 16·h, 16·w]."""

    def __init__(self, widths: Sequence[int] = WIDTHS, dimensions: int = DIMENSIONS) -> None:
        super().__init__()
        self.from_words = nn.Conv2d(dimensions, widths[-1], 3, padding=1)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inside, out, 3, padding=1), nn.SiLU(), nn.Conv2d(out, out, 3, padding=1), nn.SiLU()
            )
            for inside, out in zip(widths[::-1], widths[-2::-1], strict=False)
        )
        self.last = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = F.silu(self.from_words(z))
        for stage in self.stages:
            x = stage(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        image: Tensor = self.last(x)
        return (image + 1) / 2
