"""Restoring images with a trained network: of any size, with or without self-ensemble."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from kdexplorer.data.gray import in_channels
from kdexplorer.data.image_file import SUFFIXES, read_image
from kdexplorer.models import ModelIO
from kdexplorer.params import ConfigError
from kdexplorer.tasks.spec import Forward
from kdexplorer.tasks.tiles import Tiled, tiled

MAX_PIXELS = 40_000_000
JPEG_QUALITY = 95
LARGEST = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}  # pixels a side that such a file holds


def restore(forward: Forward, image: Tensor, scale: int, *, ensemble: bool = False) -> Tiled:
    """[1, C, H, W] in [0, 1] → [1, C, scale·H, scale·W] on the CPU, in tiles where it is large.

    With `ensemble`, the mean over the eight flips and quarter turns of the image (EDSR, arXiv 1707.02921).
    """
    if not ensemble:
        return tiled(forward, image, scale)
    apart, total = 0.0, torch.zeros(1, image.shape[1], image.shape[2] * scale, image.shape[3] * scale)
    for turns in range(4):
        for flipped in (False, True):
            view = torch.rot90(image.flip(-1) if flipped else image, turns, (-2, -1))
            restored = tiled(forward, view, scale)
            seen = torch.rot90(restored.image, -turns, (-2, -1))
            total += seen.flip(-1) if flipped else seen
            apart = max(apart, restored.apart)
    return Tiled(total / 8, apart)


def read_batch(file: Path, io: ModelIO) -> Tensor:
    """An image file as [1, C, H, W] in [0, 1] with the channels that `io` says, turned gray where that is one.

    Raises:
        ConfigError: as `read_image`.
    """
    image = read_image(file, max_pixels=MAX_PIXELS).float().div(255).unsqueeze(0)
    return in_channels(image, io.channels)


def restore_file(
    forward: Forward, source: Path, target: Path, io: ModelIO, *, device: torch.device, ensemble: bool = False
) -> Tiled:
    """Restore one image file and write it, 8 bits deep, whole or not at all.

    Raises:
        ConfigError: no image that can be read, another file format than images have or one that does not hold so large
            an image, or it cannot be written.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{target.name}: write to a file that ends in {', '.join(sorted(SUFFIXES))}.")
    image = read_batch(source, io).to(device)
    height, width = (side * io.scale for side in image.shape[-2:])
    if max(height, width) > (most := LARGEST.get(target.suffix.lower(), max(height, width))):
        raise ConfigError(
            f"{target.name}: the restored image has {width} × {height} pixels, and such a file holds at most"
            f" {most} a side. Write PNG instead."
        )
    restored = restore(forward, image, io.scale, ensemble=ensemble)
    pixels = restored.image[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).squeeze(2).numpy()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
        os.close(handle)
        try:
            Image.fromarray(pixels).save(name, quality=JPEG_QUALITY)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        finally:
            with contextlib.suppress(OSError):
                Path(name).unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # formats have limits of their own
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{target}: cannot be written ({reason}).") from None
    return restored
