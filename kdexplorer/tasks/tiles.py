"""A restoration network on an image of any size, in tiles that overlap, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from kdexplorer.tasks.shared_pools import Part, SharedPools
from kdexplorer.tasks.spec import Forward

WHOLE = 2**18  # pixels of an input that is taken at once
TILE = 320  # largest side of a tile, in the input
FADE = 16  # pixels to either side of a border over which one tile passes into the next
HALO = 48  # pixels beyond those that are computed and thrown away: more than small networks see
ALIGN = 8  # tiles begin at multiples of it: networks fold pixels into channels
SEEN = 1.0  # gray levels apart from which a border might be seen


class Tiled(NamedTuple):
    """What a network made of an image.

    Attributes:
        image: [B, C, scale·H, scale·W], on the CPU if `tiled` made it.
        apart: the most by which tiles differed where they meet, in gray levels of 255, and were faded into each other.
            Zero where the image was taken whole; next to it where no output pixel depends on inputs further away than
            `HALO`; more where a network looks further, as one does whose attention goes over all pixels.
    """

    image: Tensor
    apart: float


def apart_words(apart: float) -> str:
    """One sentence on tiles that might be seen; empty where they are not."""
    if apart <= SEEN:
        return ""
    return (
        f"The network looks further than {HALO} pixels: its tiles differed by up to {apart:.0f} of 255 gray levels"
        " where they meet, and were faded into each other."
    )


def tiled(
    forward: Forward,
    image: Tensor,
    scale: int,
    *,
    whole: int = WHOLE,
    tile: int = TILE,
    fade: int = FADE,
    halo: int = HALO,
) -> Tiled:
    """`forward` on [B, C, H, W], at once up to `whole` pixels and else a tile at a time, without gradients.

    A network that averages over all pixels sees each tile a few times more, for the averages, which all tiles share.
    """
    height, width = image.shape[-2:]
    tile, fade, halo = (-(-side // ALIGN) * ALIGN for side in (tile, fade, halo))

    def part(top: int, bottom: int, left: int, right: int) -> Part:
        y, x = max(0, top - halo), max(0, left - halo)
        around = image[..., y : bottom + halo, x : right + halo].contiguous(memory_format=torch.channels_last)
        return Part(around, (top - y, bottom - y), (left - x, right - x))

    def restored(top: int, bottom: int, left: int, right: int) -> Tensor:
        around, rows, columns = part(top, bottom, left, right)
        output = forward(around).float().cpu()
        return output[..., rows[0] * scale : rows[1] * scale, columns[0] * scale : columns[1] * scale]

    def parts() -> Iterator[Part]:
        for top, bottom in _spans(height, tile):
            for left, right in _spans(width, tile):
                yield part(top, bottom, left, right)

    def strip(top: int, bottom: int) -> Tiled:
        return _joined(
            lambda left, right: Tiled(restored(top, bottom, left, right), 0.0), width, -1, scale, tile, fade
        )

    with torch.no_grad():
        if height * width <= whole:
            return Tiled(restored(0, height, 0, width), 0.0)
        if not (pools := SharedPools(forward)):
            return _joined(strip, height, -2, scale, tile, fade)
        pools.settle(parts)
        with pools.shared():
            return _joined(strip, height, -2, scale, tile, fade)


def _joined(
    part: Callable[[int, int], Tiled], length: int, axis: int, scale: int, tile: int, fade: int
) -> Tiled:
    """Parts side by side along `axis`; `part(a, b)` is the output for the inputs a … b. Each passes into the next."""
    spans = _spans(length, tile)
    if len(spans) == 1:
        return part(0, length)
    result, apart = torch.empty(0), 0.0
    for start, stop in spans:
        begin, end = max(0, start - fade), min(stop + fade, length)
        image, inside = part(begin, end)
        apart = max(apart, inside)
        if not start:
            shape = list(image.shape)
            shape[axis] = length * scale
            result = image.new_empty(shape)
        else:
            met = (min(start + fade, length) - begin) * scale  # so far the part before went
            new = image.narrow(axis, 0, met)
            old = result.narrow(axis, begin * scale, met)
            apart = max(apart, (new - old).abs().max().item() * 255)
            share = (torch.arange(met) + 0.5).div(met).view([-1] + [1] * (-axis - 1))
            new.lerp_(old, 1 - share)
        result.narrow(axis, begin * scale, (end - begin) * scale).copy_(image)
    return Tiled(result, apart)


def _spans(length: int, tile: int) -> list[tuple[int, int]]:
    """Where the parts of a length begin and end: about equal, as a network takes nothing that is very narrow."""
    count = -(-length // tile)
    step = -(-length // count // ALIGN) * ALIGN
    starts = list(range(0, length, step))
    if len(starts) > 1 and length - starts[-1] < step / 2:
        starts.pop()  # what rounding leaves over, over many parts, goes to the last
    return list(zip(starts, [*starts[1:], length], strict=True))
