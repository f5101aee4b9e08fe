"""Colors as a file's ICC profile means them, in sRGB."""

from __future__ import annotations

import contextlib
import io

from PIL import Image, ImageCms

GRAY = ("1", "L", "LA", "La")  # modes without colors
TAKEN = {
    "RGB": "RGB",
    "GRAY": "L",
    "CMYK": "CMYK",
}  # color space of a profile: as what mode an image goes through it


def in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """An image of 8 bits and without transparency as RGB, by `profile`, the bytes of an ICC profile.

    Taken as it is where there is none, or one that cannot be read or is not for such an image.
    """
    if isinstance(profile, bytes):
        with contextlib.suppress(Exception):  # whatever is wrong with a profile, the image is there
            meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = TAKEN[meant.profile.xcolor_space.strip()]
            if mode == "L" and image.mode in GRAY:
                return _gray(image.convert("L"), meant)
            if mode != "L" and (mode == "CMYK") == (image.mode == "CMYK"):
                return _through(image.convert(mode), meant)
    return image.convert("RGB")


def _gray(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    # The library takes dark grays through a table too coarse for them, or else is slow: it sees each gray once.
    levels = Image.frombytes("L", (256, 1), bytes(range(256)))
    bands = _through(levels, profile, ImageCms.Flags.NOOPTIMIZE).split()
    return Image.merge("RGB", [image.point(list(band.tobytes())) for band in bands])


def _through(
    image: Image.Image,
    profile: ImageCms.ImageCmsProfile,
    flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    seen = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB", flags=flags)
    if seen is None:
        raise ValueError("only a change in place gives nothing back")
    return seen
