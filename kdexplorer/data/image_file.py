"""The one place where an image file that a person brings is opened."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from kdexplorer.data.color_profile import GRAY, in_srgb
from kdexplorer.home import shown_name
from kdexplorer.params import ConfigError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
MIN_SIDE = 16


def read_image(path: Path, *, max_pixels: int = 16_000_000, min_side: int = MIN_SIDE) -> Tensor:
    """An image file as uint8 [3, H, W].

    Turned as its EXIF data says and brought to sRGB where it holds a color profile; gray is repeated to 3 channels,
    16 bit becomes 8, transparency is laid on white. The size is checked before anything is decoded.

    Raises:
        ConfigError: no file, no image of a known format, animated, broken, too small or too large.
    """
    name = shown_name(path)
    try:
        if not path.is_file():  # also keeps devices and pipes from being opened
            raise ConfigError(f"There is no image file {name!r}.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and odd metadata; the size is checked here
            with Image.open(path, formats=FORMATS) as image:
                _check_header(image, name, max_pixels, min_side)
                image.load()
                pixels = _rgb(ImageOps.exif_transpose(image), name)
    except ConfigError:
        raise
    except UnidentifiedImageError:
        raise ConfigError(f"{name!r} is not a PNG, JPEG, BMP, WebP or TIFF image.") from None
    except Image.DecompressionBombError:
        raise ConfigError(_too_large(name, max_pixels)) from None
    except MemoryError:
        raise ConfigError(f"{name!r} does not fit into memory: take a smaller image.") from None
    except Exception as error:  # decoders raise nearly anything on a damaged file
        reason = getattr(error, "strerror", None) or error  # an OSError's text would show the server's path
        raise ConfigError(f"{name!r} is damaged or incomplete ({reason}): save or copy it again.") from None
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def image_files(folder: Path) -> Iterator[Path]:
    """The image files directly in `folder`, by name; hidden ones are left out."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path


def folder_of(path: str, what: str) -> Path:
    """The folder that a person named.

    Raises:
        ConfigError: nothing was named, or it is not a folder that can be read.
    """
    if not path.strip():
        raise ConfigError(f"Name the folder of {what}.")
    folder = Path(path.strip()).expanduser()
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise ConfigError(f"{path!r} is not a folder that can be read: {error.strerror}.") from None
    return folder


def _check_header(image: Image.Image, name: str, max_pixels: int, min_side: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ConfigError(_too_large(name, max_pixels, f" ({width} × {height})"))
    if min(width, height) < min_side:
        raise ConfigError(f"{name!r} is too small ({width} × {height}): each side needs {min_side} pixels.")
    # Phones write a second, small picture behind the photo of a .jpg, which Pillow then calls MPO.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise ConfigError(f"{name!r} is animated or holds several images: save one of them as a file.")


def _too_large(name: str, max_pixels: int, size: str = "") -> str:
    return f"{name!r} is too large{size}: take at most {max_pixels / 1e6:g} million pixels."


def _rgb(image: Image.Image, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > 65535:
            raise ConfigError(f"{name!r} holds 32-bit values: save it with 8 or 16 bits.")
        image = Image.fromarray(np.round(values / 257).astype(np.uint8))
    if not image.has_transparency_data:
        return np.array(in_srgb(image, profile))
    # The profile is of the colors; white is white in any.
    seen = image.convert("RGBA")
    colors = in_srgb(seen.convert("L" if image.mode in GRAY else "RGB"), profile)
    colors.putalpha(seen.getchannel("A"))
    white = Image.new("RGBA", image.size, "white")
    return np.array(Image.alpha_composite(white, colors).convert("RGB"))
