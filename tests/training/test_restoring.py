from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from kdexplorer.models import ModelIO
from kdexplorer.params import ConfigError
from kdexplorer.training.restoring import restore, restore_file

CPU = torch.device("cpu")


def shifted(image: Tensor) -> Tensor:
    """Something that looks to one side only, and so is not the same after a flip or a turn."""
    return image.roll(1, -1)


def test_the_ensemble_is_the_mean_over_eight_views_turned_back() -> None:
    image = torch.rand(1, 3, 20, 28)
    expected = torch.stack([
        image.roll(1, -1), image.roll(-1, -1), image.roll(1, -2), image.roll(-1, -2),
    ]).mean(0)  # each direction twice  # fmt: skip
    torch.testing.assert_close(restore(shifted, image, 1, ensemble=True).image, expected)
    torch.testing.assert_close(restore(shifted, image, 1).image, image.roll(1, -1))
    double = torch.nn.Upsample(scale_factor=2, mode="nearest")
    torch.testing.assert_close(restore(double, image, 2, ensemble=True).image, double(image))


def test_a_file_is_restored_and_written_whole(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")  # transparent: laid on white
    written = restore_file(lambda x: 1 - x, tmp_path / "in.png", tmp_path / "out.png", ModelIO(), device=CPU)
    assert written.image.shape == (1, 3, 40, 56)
    seen = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    alpha = pixels[..., 3:] / 255
    expected = 255 - np.round(pixels[..., :3] * alpha + 255 * (1 - alpha))
    assert abs(seen - expected).max() <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "in.png")
    for target, words in {"out.txt": "write to a file that ends in", "no/folder.png": "cannot be written"}.items():  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            restore_file(shifted, tmp_path / "in.png", tmp_path / target, ModelIO(), device=CPU)
    with pytest.raises(ConfigError, match="no image file"):
        restore_file(shifted, tmp_path / "gone.png", tmp_path / "out.png", ModelIO(), device=CPU)
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize(("suffix", "most"), [("webp", 16_383), ("jpg", 65_500), ("JPEG", 65_500)])
def test_images_larger_than_a_format_holds_are_refused_before_they_are_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, most: int
) -> None:
    Image.new("RGB", (most // 2 + 1, 16)).save(tmp_path / "in.png")
    target, io, calls = tmp_path / f"out.{suffix}", ModelIO(scale=2), []

    def doubled(image: Tensor) -> Tensor:
        calls.append(image.shape)
        return image.repeat_interleave(2, -1).repeat_interleave(2, -2)

    side = (most // 2 + 1) * 2
    with pytest.raises(ConfigError, match=f"{side} × 32 pixels.* at most {most} a side. Write PNG instead"):
        restore_file(doubled, tmp_path / "in.png", target, io, device=CPU)
    assert not calls
    monkeypatch.setattr("kdexplorer.training.restoring.LARGEST", {})
    with pytest.raises(ConfigError, match="cannot be written"):  # as the format itself says
        restore_file(doubled, tmp_path / "in.png", target, io, device=CPU)
    assert calls
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_the_largest_image_that_a_format_holds_is_written(tmp_path: Path) -> None:
    Image.new("RGB", (16_383, 16)).save(tmp_path / "in.png")
    restore_file(lambda x: x, tmp_path / "in.png", tmp_path / "out.webp", ModelIO(), device=CPU)
    with Image.open(tmp_path / "out.webp") as written:
        assert written.size == (16_383, 16)


def test_a_network_for_gray_images_restores_a_color_file_in_gray(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    restore_file(lambda x: x, tmp_path / "in.png", tmp_path / "out.png", ModelIO(channels=1), device=CPU)
    written = Image.open(tmp_path / "out.png")
    assert written.mode == "L"
    expected = np.asarray(Image.fromarray(pixels).convert("L")).astype(int)
    assert abs(np.asarray(written).astype(int) - expected).max() <= 1
