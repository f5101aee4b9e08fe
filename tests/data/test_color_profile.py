"""Images with a color profile become the sRGB images that look the same."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from kdexplorer.data.image_file import read_image

WHITE = (0.9642, 1.0, 0.8249)  # D50, that of all profiles
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)  # of sRGB


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


LINEAR = b"curv\0\0\0\0" + struct.pack(">I", 0) + bytes(4)


def profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2.4 with these tags (ICC.1:2001-04, 6)."""
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">8xI4s4s4s12x4s28x", 0x02400000, kind, space, connection, b"acsp") + xyz(WHITE)[8:]
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data
    whole = head.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def linear(red: tuple[float, ...] = RED, blue: tuple[float, ...] = BLUE) -> bytes:
    """Colors in proportion to light, with primaries of sRGB."""
    primaries = {b"wtpt": WHITE, b"rXYZ": red, b"gXYZ": GREEN, b"bXYZ": blue}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), LINEAR)
    return profile(b"RGB ", b"XYZ ", {name: xyz(v) for name, v in primaries.items()} | curves)


def linear_gray() -> bytes:
    return profile(b"GRAY", b"XYZ ", {b"wtpt": xyz(WHITE), b"kTRC": LINEAR})


def inks(cyan: tuple[int, int, int]) -> bytes:
    """Four inks, of which the first prints as `cyan` (L, a, b as bytes) and each other as black."""
    corners = bytearray()
    for place in range(16):  # the first ink changes slowest
        lab = (255, 128, 128) if place == 0 else cyan if place == 8 else (0, 128, 128)
        corners += bytes(lab)
    matrix = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    straight = bytes(range(256))
    lookup = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + straight * 4 + bytes(corners) + straight * 3
    return profile(b"CMYK", b"Lab ", {b"wtpt": xyz(WHITE), b"A2B0": lookup})


def encoded(light: np.ndarray) -> np.ndarray:
    """Light in 0–1 as sRGB, 0–255 (IEC 61966-2-1)."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def pixels(side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def read(path: Path) -> np.ndarray:
    return read_image(path).permute(1, 2, 0).numpy().astype(float)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_colors_become_those_of_srgb(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    how = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}.get(suffix, {})
    Image.fromarray(pixels()).save(path, icc_profile=linear(red=BLUE, blue=RED), **how)
    stored = np.asarray(Image.open(path).convert("RGB"))
    expected = encoded(stored[..., ::-1] / 255)
    assert abs(read(path) - expected).max() <= 1
    assert abs(read(path) - stored).mean() > 20  # which is another picture


def test_a_profile_of_srgb_changes_no_pixel(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels()).save(tmp_path / "a.png", icc_profile=srgb)
    assert (read(tmp_path / "a.png") == pixels()).all()


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
@pytest.mark.parametrize("of_colors", [False, True])
def test_gray_images_go_through_profiles_of_gray_and_of_colors(
    tmp_path: Path, mode: str, of_colors: bool
) -> None:
    gray = pixels()[..., 0]
    image = Image.fromarray(gray.astype(np.uint16) * 257 if mode == "I;16" else gray)
    if mode == "LA":
        image.putalpha(255)
    image.save(tmp_path / "gray.png", icc_profile=linear() if of_colors else linear_gray())
    expected = encoded(gray / 255)[..., None]
    assert abs(read(tmp_path / "gray.png") - expected).max() <= 1


def test_transparency_is_laid_on_white_after_the_profile(tmp_path: Path) -> None:
    half = np.dstack([pixels(), np.full((32, 32), 128, dtype=np.uint8)])
    Image.fromarray(half).save(tmp_path / "a.png", icc_profile=linear())
    expected = 255 + (encoded(pixels() / 255) - 255) * 128 / 255
    assert abs(read(tmp_path / "a.png") - expected).max() <= 2


@pytest.mark.parametrize("suffix", ["tif", "jpg"])
def test_inks_print_as_their_profile_says(tmp_path: Path, suffix: str) -> None:
    image = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    image.paste((0, 0, 0, 0), (0, 0, 16, 32))
    image.save(tmp_path / f"print.{suffix}", icc_profile=inks(cyan=(136, 128, 128)))
    found = read(tmp_path / f"print.{suffix}")
    light = ((136 / 2.55 + 16) / 116) ** 3  # of that lightness L*
    assert abs(found[:, :12] - 255).max() <= 2
    assert abs(found[:, 20:] - encoded(np.array(light))).max() <= 3


def test_a_profile_that_is_not_for_the_image_is_left_aside(tmp_path: Path) -> None:
    for meant in (linear_gray(), inks(cyan=(136, 128, 128)), b"", b"no profile", linear()[:200]):
        Image.fromarray(pixels()).save(tmp_path / "a.png", icc_profile=meant)
        assert (read(tmp_path / "a.png") == pixels()).all()


def test_damaged_profiles_do_no_harm(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for whole, mode in ((linear(), "RGB"), (linear_gray(), "L"), (inks((136, 128, 128)), "CMYK")):
        for _ in range(60):
            damaged = np.frombuffer(whole, dtype=np.uint8).copy()
            places = random.integers(0, len(damaged), 4) % random.choice([256, len(damaged)])
            damaged[places] = random.integers(0, 256, 4)
            Image.new(mode, (16, 16)).save(tmp_path / "a.tif", icc_profile=damaged.tobytes())
            assert read(tmp_path / "a.tif").shape == (16, 16, 3)
