from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kdexplorer.data import SOURCES
from kdexplorer.data.arrays import ArrayData
from kdexplorer.data.sources import npz
from kdexplorer.params import ConfigError


def save(folder: Path, count: int = 12, **arrays: Any) -> Path:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    given = {"images": images, "labels": np.arange(count) % 3, **arrays}
    for name in ("train", "test"):
        np.savez(folder / f"{name}.npz", **{key: value for key, value in given.items() if value is not None})
    return folder


def load(path: Path, excluded: tuple[int, ...] = ()) -> ArrayData:
    spec = SOURCES["npz"]
    data = spec.load(spec.check({"path": str(path)}), excluded)
    assert isinstance(data, ArrayData)
    return data


def test_images_arrive_channels_first(tmp_path: Path) -> None:
    save(tmp_path, classes=np.array(["a", "b", "c"]))
    data = load(tmp_path)
    stored = np.load(tmp_path / "train.npz")["images"]
    assert torch.equal(data.images, torch.from_numpy(stored).permute(0, 3, 1, 2))
    assert data.classes == ("a", "b", "c")
    made = data.draw(50, torch.Generator().manual_seed(0))
    assert made.images.dtype == torch.float32
    for image, label in zip(made.images, made.labels, strict=True):
        same = (data.images.float() / 255 == image).flatten(1).all(dim=1)
        assert label in data.labels[same]


def test_gray_images_and_missing_names(tmp_path: Path) -> None:
    save(tmp_path, images=np.zeros((12, 8, 8), dtype=np.uint8))
    data = load(tmp_path)
    assert data.channels == 1
    assert data.classes == ("0", "1", "2")


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": None}, "needs the arrays"),
        ({"images": np.zeros((12, 8, 8, 3))}, "uint8"),
        ({"images": np.zeros((12, 8, 9, 3), dtype=np.uint8)}, "square"),
        ({"images": np.zeros((12, 8, 8, 4), dtype=np.uint8)}, "1 or 3 channels"),
        ({"images": np.zeros((0, 8, 8, 3), dtype=np.uint8)}, "uint8"),
        ({"labels": np.zeros(12)}, "whole number"),
        ({"labels": np.zeros(5, dtype=int)}, "as many|As many"),
        ({"labels": np.full(12, -1)}, "between 0 and"),
        ({"labels": np.full(12, 7), "classes": np.array(["a", "b"])}, "between 0 and 1"),
        ({"labels": np.array([Bomb()] * 12, dtype=object)}, "plain NumPy arrays"),
    ],
)
def test_unusable_archives_are_refused(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    save(tmp_path, **arrays)
    with pytest.raises(ConfigError, match=words):
        load(tmp_path)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path)
    (tmp_path / "train.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ConfigError, match="plain NumPy arrays"):
        load(tmp_path)
    assert not Path("exploded").exists()


def test_missing_and_oversized_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no train\.npz"):
        load(tmp_path)
    save(tmp_path)
    with zipfile.ZipFile(tmp_path / "train.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("padding.npy", bytes(100_000))
    monkeypatch.setattr(npz, "MAX_BYTES", 50_000)
    with pytest.raises(ConfigError, match="take fewer"):
        load(tmp_path)
