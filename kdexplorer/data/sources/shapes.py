"""Textured objects on crops of photos: infinite, of any size, with the object's mask and box known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from kdexplorer.data.arrays import check_excluded
from kdexplorer.data.gray import LUMA
from kdexplorer.data.outlines import OUTLINES
from kdexplorer.data.photo_pool import PixelPool
from kdexplorer.data.sources.photos import halved, held_out_photos, training_photos
from kdexplorer.data.spec import SOURCES, LabelledImages, SourceSpec
from kdexplorer.params import ConfigError, Param

CLASSES = tuple(OUTLINES)
CHUNK = 256  # held-out images made at once, each chunk from its own seed
HELD_OUT_SEED = 20_000_000
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Shapes:
    """Images made on demand (`kdexplorer.data.LabelledData`).

    All numbers that describe an image are drawn on the CPU, so a seed gives the same images on every device.
    """

    size: int
    clutter: float
    training: PixelPool
    testing: PixelPool
    drawable: Tensor  # int64, the classes that training shows; on the CPU
    device: torch.device = CPU
    classes: tuple[str, ...] = CLASSES
    channels: int = 3
    samples: int = 0

    def draw(self, batch: int, generator: torch.Generator) -> LabelledImages:
        labels = self.drawable[torch.randint(len(self.drawable), (batch,), generator=generator)]
        return self._make(labels, self.training, generator)

    def held_out(self, count: int) -> LabelledImages:
        """As many of every class; on the held-out photos."""
        chunks = []
        for start in range(0, max(count, 1), CHUNK):
            generator = torch.Generator().manual_seed(HELD_OUT_SEED + start)
            labels = (torch.arange(CHUNK) % len(CLASSES))[torch.randperm(CHUNK, generator=generator)]
            chunks.append(self._make(labels, self.testing, generator))
        return LabelledImages(
            *(torch.cat(parts)[:count] for parts in zip(*map(_fields, chunks), strict=True))
        )

    def to(self, device: torch.device) -> Shapes:
        moved = self.training.to(device), self.testing.to(device)
        return replace(self, training=moved[0], testing=moved[1], device=device)

    def _make(self, labels: Tensor, photos: PixelPool, generator: torch.Generator) -> LabelledImages:
        batch, side = len(labels), self.size
        distance, x, y = self._distances(labels, _uniform(generator, batch, 5))
        alpha = (0.5 - distance).clamp(0, 1).unsqueeze(1)
        ground = self._ground(photos.draw(batch, side, generator), _uniform(generator, batch, 1))
        texture = _texture(x, y, photos.draw(batch, side, generator), generator)
        share = alpha.mean(dim=(2, 3), keepdim=True).clamp(min=1e-6)
        behind = (ground * alpha).mean(dim=(2, 3), keepdim=True) / share
        fill = (self._color(behind, _uniform(generator, batch, 5)) + texture).clamp(0, 1)
        masks = distance < 0
        return LabelledImages(
            ground + alpha * (fill - ground), labels.to(self.device, non_blocking=True), masks, _boxes(masks)
        )

    def _distances(self, labels: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Signed distance of every pixel to its image's outline, in pixels, and its place in the object's
        frame, each [B, S, S]."""
        side, device = self.size, self.device
        radius = side * (0.24 + 0.18 * drawn[:, 0])
        room = side / 2 - radius * 0.85  # the object may touch the border, but stays recognisable
        center = side / 2 + room[:, None] * (2 * drawn[:, 1:3] - 1)
        angle = 2 * math.pi * drawn[:, 3]
        stretch = torch.exp(0.15 * (2 * drawn[:, 4] - 1))
        cos, sin = torch.cos(angle) / radius, torch.sin(angle) / radius
        frame = torch.stack((cos * stretch, sin * stretch, -sin / stretch, cos / stretch, *center.T, radius))
        a, b, c, d, center_x, center_y, radius = frame.to(device, non_blocking=True)[:, :, None, None]
        pixel = torch.arange(side, device=device) + 0.5
        dx, dy = pixel[None, None, :] - center_x, pixel[None, :, None] - center_y
        x, y = a * dx + b * dy, c * dx + d * dy
        distance = torch.empty_like(x)
        for index, outline in enumerate(OUTLINES.values()):
            rows = (labels == index).nonzero().flatten().to(device, non_blocking=True)
            distance[rows] = outline(x[rows], y[rows])
        return distance * radius, x, y

    def _ground(self, crops: Tensor, drawn: Tensor) -> Tensor:
        """The photo at a contrast that `clutter` sets: 0 is plain."""
        mean = crops.mean(dim=(2, 3), keepdim=True)
        drawn = drawn.to(self.device, non_blocking=True).view(-1, 1, 1, 1)
        return mean + (crops - mean) * self.clutter * (0.6 + 0.4 * drawn)

    def _color(self, behind: Tensor, drawn: Tensor) -> Tensor:
        """A random color, lighter or darker than what lies behind the object, [B, 3, 1, 1]."""
        drawn = drawn.to(self.device, non_blocking=True)[:, :, None, None]
        luma = torch.tensor(LUMA, device=self.device).view(1, 3, 1, 1)
        back = (behind * luma).sum(dim=1, keepdim=True)
        gap = 0.25 + 0.2 * drawn[:, 3:4]
        lighter = drawn[:, 4:5] < (1 - back - gap).clamp(0, 1) / ((1 - back - gap).clamp(0, 1) + back)
        target = torch.where(lighter, back + gap, back - gap)
        hue = drawn[:, :3]
        return (hue + target - (hue * luma).sum(dim=1, keepdim=True)).clamp(0.03, 0.97)


def _uniform(generator: torch.Generator, batch: int, columns: int) -> Tensor:
    return torch.rand(batch, columns, generator=generator)


@lru_cache(maxsize=2)
def _pools(half: bool) -> tuple[PixelPool, PixelPool]:
    """Training and held-out photos to stand behind the objects and on them."""
    sets = ([photo for _, photo in photos] for photos in (training_photos(), held_out_photos()))
    training, testing = ([halved(photo) for photo in photos] if half else photos for photos in sets)
    return PixelPool(training), PixelPool(testing)


def _texture(x: Tensor, y: Tensor, crops: Tensor, generator: torch.Generator) -> Tensor:
    """Stripes, checks or the detail of a photo, a third of the images each; [B, 3, S, S] around 0."""
    drawn = _uniform(generator, len(x), 8).to(x.device, non_blocking=True)[:, :, None, None]
    angle, frequency = 2 * math.pi * drawn[:, 0], 4 + 6 * drawn[:, 1]
    along = frequency * (torch.cos(angle) * x + torch.sin(angle) * y) + 6.3 * drawn[:, 2]
    across = frequency * (torch.cos(angle) * y - torch.sin(angle) * x) + 6.3 * drawn[:, 3]
    stripes = torch.sin(along)
    checks = stripes * torch.sin(across) * 1.4
    detail = crops - crops.mean(dim=(2, 3), keepdim=True)
    kind = drawn[:, 4:5]
    wave = torch.where(kind < 1 / 3, stripes.unsqueeze(1), checks.unsqueeze(1))
    tint = 0.5 + drawn[:, 5:8]
    strength = 0.06 + 0.08 * drawn[:, 1:2]
    return torch.where(kind < 2 / 3, wave * tint * strength, detail * 0.6)


def _boxes(masks: Tensor) -> Tensor:
    """The pixels that a mask spans, float [B, 4] as (x0, y0, x1, y1), the last ones exclusive."""
    side = masks.shape[-1]
    columns, rows = masks.any(dim=1).float(), masks.any(dim=2).float()
    first = [line.argmax(dim=1) for line in (columns, rows)]
    last = [side - line.flip(1).argmax(dim=1) for line in (columns, rows)]
    return torch.stack((*first, *last), dim=1).float()


def _fields(made: LabelledImages) -> tuple[Tensor, ...]:
    assert made.masks is not None
    assert made.boxes is not None
    return made.images, made.labels, made.masks, made.boxes


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Shapes:
    classes = torch.arange(len(CLASSES))
    drawable = classes[torch.isin(classes, check_excluded(excluded, CLASSES), invert=True)]
    if len(drawable) == 0:
        raise ConfigError("Every class is excluded: leave at least one in.")
    size = int(params["size"])
    # A crop of 32 pixels is nearly flat at full resolution.
    return Shapes(size, float(params["clutter"]), *_pools(size <= 96), drawable)


SOURCES.add(
    SourceSpec(
        id="shapes",
        title="Shapes",
        order=20,
        summary="Textured objects on crops of photos; infinite, of any size, with the object's mask known.",
        tasks=("classification",),
        params=(
            Param(
                name="size", default=32, minimum=16, maximum=224, unit="px", help="Side of the square images."
            ),
            Param(
                name="clutter",
                default=0.6,
                minimum=0,
                maximum=1,
                help="Contrast of the photo behind the object; 0 leaves a plain color.",
            ),
        ),
        load=load,
        known=lambda params: (3, len(CLASSES), int(params["size"])),
    )
)
