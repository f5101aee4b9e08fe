"""Photos on one device, cut into random and held-out crops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kdexplorer.data.image_file import MIN_SIDE
from kdexplorer.params import ConfigError

NamedPhoto = tuple[str, Tensor]  # its name and its pixels, uint8 [C, H, W]


class PixelPool:
    """Photos as one flat list of pixels, so that a batch of crops is a single gather on the device."""

    def __init__(self, photos: Sequence[Tensor]) -> None:
        """`photos`: uint8 [C, H, W] of any sizes."""
        if not photos:
            raise ConfigError("There is no photo to train on: add some images.")
        channels = photos[0].shape[0]
        self.pixels = torch.cat([photo.permute(1, 2, 0).reshape(-1, channels) for photo in photos])
        self.heights = torch.tensor([photo.shape[1] for photo in photos])
        self.widths = torch.tensor([photo.shape[2] for photo in photos])
        areas = self.heights * self.widths
        self.starts = areas.cumsum(0) - areas

    def draw(self, batch: int, size: int, generator: torch.Generator) -> Tensor:
        """Crops, float [batch, C, size, size] in [0, 1]; every position of every photo is equally likely.

        Raises:
            ConfigError: no photo has `size` pixels a side.
        """
        rows = (self.heights - size + 1).clamp(min=0)
        columns = (self.widths - size + 1).clamp(min=0)
        ends = (rows * columns).cumsum(0)
        total = int(ends[-1])
        if total == 0:
            largest = int(torch.minimum(self.heights, self.widths).max())
            raise ConfigError(
                f"The training crops have {size} pixels a side, but the largest photo has only {largest}: "
                "take a smaller training patch, or larger photos."
            )
        position = torch.randint(total, (batch,), generator=generator)
        photo = torch.searchsorted(ends, position, right=True)
        position = position - (ends - rows * columns)[photo]
        width = self.widths[photo]
        top, left = position // columns[photo], position % columns[photo]
        device = self.pixels.device
        corner = (self.starts[photo] + top * width + left).to(device, non_blocking=True)
        side = torch.arange(size, device=device)
        line = side[None, :, None] * width.to(device, non_blocking=True)[:, None, None]
        index = corner[:, None, None] + line + side[None, None, :]
        crops = self.pixels.index_select(0, index.flatten()).view(batch, size, size, -1)
        return crops.permute(0, 3, 1, 2).float().div_(255)

    def to(self, device: torch.device) -> PixelPool:
        """The same pool with its pixels on `device`; the sizes stay on the CPU, where crops are drawn."""
        moved = object.__new__(PixelPool)
        moved.pixels = self.pixels.to(device)
        moved.heights, moved.widths, moved.starts = self.heights, self.widths, self.starts
        return moved


class Photos:
    """Training and held-out photos (`kdexplorer.data.PhotoData`)."""

    def __init__(self, training: PixelPool, held_out: Sequence[NamedPhoto]) -> None:
        self._training = training
        self._held_out = tuple(held_out)

    def draw(self, batch: int, size: int, generator: torch.Generator) -> Tensor:
        """Random square crops of the training photos, float [batch, C, size, size] in [0, 1]."""
        return self._training.draw(batch, size, generator)

    def held_out(self, count: int, crop: int) -> list[NamedPhoto]:
        """Up to `count` crops of side `crop` that do not overlap, or whole photos with `crop` 0.

        The photos take turns, and within a photo the crops are spread, so fewer crops are the first of more.
        Photos smaller than `crop` come whole.
        """
        if crop == 0:
            return list(self._held_out[:count])
        crops = [
            [(f"{name} {i + 1}" if len(cells) > 1 else name, cell) for i, cell in enumerate(cells)]
            for name, cells in ((name, _grid(photo, crop)) for name, photo in self._held_out)
        ]
        turns = max(map(len, crops), default=0)
        return [some[turn] for turn in range(turns) for some in crops if turn < len(some)][:count]

    def to(self, device: torch.device) -> Photos:
        return Photos(self._training.to(device), [(name, photo.to(device)) for name, photo in self._held_out])


def _grid(photo: Tensor, crop: int) -> list[Tensor]:
    """The crops of a centred grid, the most spread first."""
    height, width = min(crop, photo.shape[1]), min(crop, photo.shape[2])
    rows, columns = photo.shape[1] // height, photo.shape[2] // width
    top, left = (photo.shape[1] - rows * height) // 2, (photo.shape[2] - columns * width) // 2
    cells = [(top + row * height, left + column * width) for row in range(rows) for column in range(columns)]
    # Steps of the golden ratio around the list never cluster.
    order = sorted(range(len(cells)), key=lambda i: ((i + 1) * 0.6180339887) % 1.0)
    return [photo[:, y : y + height, x : x + width] for y, x in (cells[i] for i in order)]


def split_photos(photos: Sequence[NamedPhoto], every: int = 5) -> Photos:
    """Hold out every `every`-th photo, beginning with the first; of a single photo its right third.

    Raises:
        ConfigError: there is no photo, or the only one is too narrow to be divided.
    """
    if len(photos) == 1:
        name, photo = photos[0]
        border = photo.shape[2] * 2 // 3
        if photo.shape[2] - border < MIN_SIDE:
            raise ConfigError(
                f"{name!r} is too narrow to train on one part and test on another: add an image."
            )
        return Photos(PixelPool([photo[:, :, :border]]), [(name, photo[:, :, border:])])
    training = [photo for index, (_, photo) in enumerate(photos) if index % every]
    return Photos(PixelPool(training), list(photos[::every]))
