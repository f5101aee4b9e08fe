from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from kdexplorer.data.image_file import folder_of, image_files, read_image
from kdexplorer.params import ConfigError


def gradient(height: int = 20, width: int = 30) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack((y * 8, x * 8, (x + y) * 4), axis=2).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jpg"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(gradient()).save(path, **({"lossless": True} if suffix == "webp" else {"quality": 100}))
    image = read_image(path)
    assert image.dtype == torch.uint8
    assert image.shape == (3, 20, 30)
    assert image.is_contiguous()
    tolerance = 12 if suffix == "jpg" else 0
    assert (image.permute(1, 2, 0).int() - torch.from_numpy(gradient()).int()).abs().max() <= tolerance


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA"])
def test_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / f"photo.{'tif' if mode == 'CMYK' else 'png'}"
    image = Image.fromarray(gradient()).convert(mode)
    image.save(path)
    expected = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    assert (read_image(path).int() - expected.int()).abs().max() <= 2


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 4), dtype=np.uint8)
    pixels[:8, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image[:, :8].max() == 0
    assert image[:, 8:].min() == 255
    palette = Image.fromarray((gradient()[..., 0] > 80).astype(np.uint8), mode=None).convert("P")
    palette.save(tmp_path / "b.png", transparency=0)
    assert read_image(tmp_path / "b.png")[:, :10].min() == 255


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_become_eight(tmp_path: Path, suffix: str) -> None:
    deep = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    Image.fromarray(deep).save(tmp_path / f"deep.{suffix}")
    image = read_image(tmp_path / f"deep.{suffix}")
    assert torch.equal(image[0], image[2])
    assert image[0].flatten().tolist() == np.round(deep.flatten() / 257).astype(int).tolist()


def test_exif_turns_the_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to show
    Image.fromarray(gradient()).save(tmp_path / "turned.png", exif=exif)
    expected = torch.from_numpy(gradient()).permute(2, 0, 1).rot90(-1, (1, 2))
    assert torch.equal(read_image(tmp_path / "turned.png"), expected)


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(5000, 5000), (20_000, 20_000), (100_000, 100_000)])
def test_bombs_are_refused_by_their_header(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(*size))
    with pytest.raises(ConfigError, match="too large"):
        read_image(tmp_path / "bomb.png")


def test_small_images_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(ConfigError, match=r"too small \(1 × 1\)"):
        read_image(tmp_path / "dot.png")


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_animations_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / f"moves.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ConfigError, match="animated"):
        read_image(tmp_path / f"moves.{suffix}")


def test_of_a_phones_double_photo_the_first_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "green")]
    frames[0].save(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "phone.jpg")[0].min() > 240


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp"])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9])
def test_cut_off_files_are_refused(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ConfigError, match=r"damaged|is not a PNG"):
        read_image(path)


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(ConfigError, match="is not a PNG, JPEG"):
        read_image(tmp_path / "text.png")
    Image.new("RGB", (20, 20)).save(tmp_path / "picture.gif")
    with pytest.raises(ConfigError, match="is not a PNG, JPEG"):
        read_image(tmp_path / "picture.gif")
    Image.fromarray(np.ones((20, 20), dtype=np.float32)).save(tmp_path / "depth.tif")
    with pytest.raises(ConfigError, match="32-bit"):
        read_image(tmp_path / "depth.tif")


def test_files_that_are_missing_or_no_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("missing.png", "pipe.png", "."):
        with pytest.raises(ConfigError, match="no image file"):
            read_image(tmp_path / name)


def test_a_folder_lists_its_images_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "c.png").mkdir()
    assert [path.name for path in image_files(tmp_path)] == ["a.jpg", "b.PNG"]
    with pytest.raises(ConfigError, match="Name the folder of photos"):
        folder_of("  ", "photos")
    with pytest.raises(ConfigError, match="not a folder"):
        folder_of(str(tmp_path / "a.jpg"), "photos")
    assert folder_of(f" {tmp_path} ", "photos") == tmp_path
