from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from kdexplorer.data import SOURCES, PhotoData
from kdexplorer.data.sources import photo_folder
from kdexplorer.params import ConfigError


def save(folder: Path, *names: str, size: tuple[int, int] = (40, 30)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        Image.new("RGB", size, (10 * index, 0, 255)).save(folder / name)
    return folder


def load(source: str, **params: str | int) -> PhotoData:
    spec = SOURCES[source]
    data: PhotoData = spec.load(spec.check(params), ())
    return data


def reds(data: PhotoData) -> set[int]:
    drawn = data.draw(300, 16, torch.Generator().manual_seed(0))
    assert drawn.shape == (300, 3, 16, 16)
    return {round(value) for value in (drawn[:, 0].unique() * 255).tolist()}


def test_every_fifth_photo_is_held_out(tmp_path: Path) -> None:
    save(tmp_path, *(f"{i}.png" for i in range(6)))
    data = load("photo_folder", path=str(tmp_path))
    assert [name for name, _ in data.held_out(10, 0)] == ["0", "5"]
    assert reds(data) == {10, 20, 30, 40}


def test_a_second_folder_is_held_out(tmp_path: Path) -> None:
    train, test = save(tmp_path / "train", "a.png", "b.jpg"), save(tmp_path / "test", "c.png")
    data = load("photo_folder", path=str(train), held_out_path=str(test))
    assert [name for name, _ in data.held_out(10, 0)] == ["c"]
    assert len(reds(data)) >= 2


def test_the_limit_counts_by_name(tmp_path: Path) -> None:
    save(tmp_path, *(f"{i}.png" for i in range(6)))
    assert reds(load("photo_folder", path=str(tmp_path), limit=3)) == {10, 20}


def test_gray_photos_become_color(tmp_path: Path) -> None:
    Image.new("L", (64, 64), 77).save(tmp_path / "gray.png")
    assert reds(load("photo_folder", path=str(tmp_path))) == {77}


def test_unusable_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="Name the folder"):
        load("photo_folder")
    with pytest.raises(ConfigError, match="not a folder"):
        load("photo_folder", path=str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="no PNG, JPEG"):
        load("photo_folder", path=str(tmp_path))
    save(tmp_path, "a.png", "b.png")
    (tmp_path / "broken.png").write_text("oops")
    with pytest.raises(ConfigError, match=r"broken\.png"):
        load("photo_folder", path=str(tmp_path))
    monkeypatch.setattr(photo_folder, "MAX_PIXELS", 1500)
    with pytest.raises(ConfigError, match="take fewer"):
        load("photo_folder", path=str(tmp_path))


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    return tmp_path / "uploads"


def test_uploads_are_files_or_folders(uploads: Path) -> None:
    save(uploads, "aaaaaa.png")
    save(uploads / "bbbbbb", "x.png", "y.png")
    data = load("uploads", ids="aaaaaa.png, bbbbbb")
    assert [name for name, _ in data.held_out(10, 0)] == ["aaaaaa"]
    assert reds(data) == {0, 10}


def test_a_single_upload_is_divided(uploads: Path) -> None:
    save(uploads, "aaaaaa.png", size=(90, 60))
    [(_, right)] = load("uploads", ids="aaaaaa.png").held_out(10, 0)
    assert right.shape == (3, 60, 30)


@pytest.mark.parametrize(
    ("ids", "words"),
    [("", "at least one"), ("../../etc/passwd", "not the id"), ("missing-one", "upload it again"), ("narrow.png", "narrow")],
)  # fmt: skip
def test_unusable_uploads_are_refused(uploads: Path, ids: str, words: str) -> None:
    save(uploads, "narrow.png", size=(40, 60))
    with pytest.raises(ConfigError, match=words):
        load("uploads", ids=ids)
