"""Clean images with given degraded ones, cut into random and held-out crops of the same places."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.photo_pool import NamedPhoto, Photos, PixelPool, split_photos
from kdexplorer.params import ConfigError

NamedPair = tuple[str, Tensor, Tensor]  # its name, the degraded uint8 [C, h, w] and the clean [C, s·h, s·w]
NAMED = 3  # at most this many in a message


class Pairs:
    """Training and held-out pairs (`kdexplorer.data.PairData`); build it with `pair_data`."""

    def __init__(self, packed: Photos, channels: int, scale: int) -> None:
        """`packed`: degraded and folded clean channels in one image, see `_packed`: one crop cuts both."""
        self._packed, self.channels, self.scale = packed, channels, scale

    def draw(self, batch: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return self._parted(self._packed.draw(batch, size, generator))

    def held_out(self, count: int, crop: int) -> list[NamedPair]:
        side = max(1, crop // self.scale) if crop else 0
        return [(name, *self._parted(both)) for name, both in self._packed.held_out(count, side)]

    def to(self, device: torch.device) -> Pairs:
        return Pairs(self._packed.to(device), self.channels, self.scale)

    def _parted(self, both: Tensor) -> tuple[Tensor, Tensor]:
        worse, folded = both[..., : self.channels, :, :], both[..., self.channels :, :, :]
        return worse, F.pixel_shuffle(folded, self.scale)


def pair_data(pairs: Sequence[NamedPair], scale: int, held_out: Sequence[NamedPair] | None = None) -> Pairs:
    """Pairs to train on, and to test on `held_out`, or on every fifth (of a single one on its right third).

    Raises:
        ConfigError: there is none, or sizes do not fit; names the images.
    """
    if not pairs:
        raise ConfigError("There is no pair to train on: add some images.")
    check_sizes([*pairs, *(held_out or ())], scale)
    training = [_packed(pair, scale) for pair in pairs]
    if held_out is None:
        packed = split_photos(training)
    else:
        packed = Photos(
            PixelPool([both for _, both in training]), [_packed(pair, scale) for pair in held_out]
        )
    return Pairs(packed, pairs[0][1].shape[0], scale)


def _packed(pair: NamedPair, scale: int) -> NamedPhoto:
    """Degraded and clean as one image [C + C·scale², h, w]: a block of clean pixels becomes channels."""
    name, worse, clean = pair
    return name, torch.cat((worse, F.pixel_unshuffle(clean, scale)))


def check_sizes(pairs: Sequence[NamedPair], scale: int) -> None:
    """Hold every clean image against `scale` times its degraded one.

    Raises:
        ConfigError: names those that differ, and the scale that would fit all.
    """
    wrong = [pair for pair in pairs if not _fits(pair, scale)]
    if not wrong:
        return
    fitting = next((s for s in (1, 2, 3, 4) if all(_fits(pair, s) for pair in pairs)), None)
    if fitting:
        raise ConfigError(
            f"Each clean image is {fitting} × as large as its degraded one, not {scale} ×: set Scale to {fitting}."
        )
    sizes = [f"{name} ({_size(worse)} for {_size(clean)})" for name, worse, clean in wrong]
    raise ConfigError(
        f"Each clean image must be {scale} × as large as its degraded one, and these are not: {listed(sizes)}."
    )


def _fits(pair: NamedPair, scale: int) -> bool:
    _, worse, clean = pair
    return [side * scale for side in worse.shape[-2:]] == list(clean.shape[-2:])


def _size(image: Tensor) -> str:
    return f"{image.shape[-1]} × {image.shape[-2]}"


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
