from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from kdexplorer.data import SOURCES
from kdexplorer.data.arrays import ArrayData
from kdexplorer.data.sources import image_folder
from kdexplorer.params import ConfigError


def fill(folder: Path, **counts: int) -> Path:
    for shade, (name, count) in enumerate(counts.items(), 1):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (40 + index, 30), (shade * 50, 0, 0)).save(folder / name / f"{index}.png")
    return folder


def load(path: Path, excluded: tuple[int, ...] = (), size: int = 16) -> ArrayData:
    spec = SOURCES["image_folder"]
    data = spec.load(spec.check({"path": str(path), "size": size}), excluded)
    assert isinstance(data, ArrayData)
    return data


def check_shades(data: ArrayData) -> None:
    drawn = data.draw(200, torch.Generator().manual_seed(0))
    for made in (drawn, data.held_out(100)):
        assert torch.equal((made.images[:, 0, 0, 0] * 255 / 50).round().long(), made.labels + 1)


def test_every_fifth_file_of_a_class_is_held_out(tmp_path: Path) -> None:
    data = load(fill(tmp_path, cat=10, dog=6, eel=1))
    assert data.classes == ("cat", "dog", "eel")
    assert torch.bincount(data.labels).tolist() == [8, 4, 1]
    assert torch.bincount(data.test_labels).tolist() == [2, 2]
    assert (data.channels, data.size) == (3, 16)
    check_shades(data)


@pytest.mark.parametrize("test", ["test", "val"])
def test_given_splits_are_kept(tmp_path: Path, test: str) -> None:
    fill(tmp_path / "train", cat=3, dog=4)
    fill(tmp_path / test, cat=2, dog=5)
    data = load(tmp_path)
    assert torch.bincount(data.labels).tolist() == [3, 4]
    assert torch.bincount(data.test_labels).tolist() == [2, 5]
    check_shades(data)


def test_images_are_cut_in_the_middle(tmp_path: Path) -> None:
    fill(tmp_path, cat=2, dog=2)
    wide = Image.new("RGB", (90, 30), "black")
    wide.paste((255, 255, 255), (30, 0, 60, 30))
    for index in range(2):
        wide.save(tmp_path / "cat" / f"{index}.png")
    assert load(tmp_path, size=30).images[0].float().mean() > 250


def test_excluded_classes_are_never_drawn(tmp_path: Path) -> None:
    data = load(fill(tmp_path, cat=5, dog=5, eel=5), excluded=(1,))
    assert set(data.draw(100, torch.Generator().manual_seed(0)).labels.tolist()) == {0, 2}


def test_unusable_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="at least two classes"):
        load(tmp_path)
    fill(tmp_path, cat=1, dog=1)
    with pytest.raises(ConfigError, match="at least two, one"):
        load(tmp_path)
    fill(tmp_path, eel=4)
    monkeypatch.setattr(image_folder, "MAX_BYTES", 1000)
    with pytest.raises(ConfigError, match=r"6 images of 16 × 16.*smaller size"):
        load(tmp_path)
    monkeypatch.undo()
    (tmp_path / "eel" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ConfigError, match=r"broken\.jpg"):
        load(tmp_path)
