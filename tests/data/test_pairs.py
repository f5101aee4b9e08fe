"""Pairs of clean and degraded images: cut, moved and split alike, and refused by name where they do not match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from kdexplorer.config import Augmentation, DataConfig
from kdexplorer.data import SOURCES
from kdexplorer.data.pair_pool import NamedPair, pair_data
from kdexplorer.data.pipeline import augment_pairs, channels_and_scale
from kdexplorer.params import ConfigError


def pair(index: int, height: int, width: int, scale: int, channels: int = 3) -> NamedPair:
    """Noise, and each pixel of it as a block: where crops and moves differ, it shows."""
    draws = torch.Generator().manual_seed(index)
    worse = torch.randint(0, 256, (channels, height, width), generator=draws, dtype=torch.uint8)
    return str(index), worse, blocks(worse, scale)


def blocks(worse: torch.Tensor, scale: int) -> torch.Tensor:
    return worse.repeat_interleave(scale, -1).repeat_interleave(scale, -2)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_crops_and_augmentations_hit_both_alike(scale: int, channels: int) -> None:
    data = pair_data([pair(i, 24, 31, scale, channels) for i in range(6)], scale)
    assert (data.channels, data.scale) == (channels, scale)
    worse, clean = data.draw(32, 16, torch.Generator().manual_seed(0))
    assert worse.shape == (32, channels, 16, 16)
    assert torch.equal(blocks(worse, scale), clean)
    moves = (Augmentation(id="flip", params={"vertical": True}), Augmentation(id="rotate"))
    turned, target = augment_pairs(worse, clean, moves, torch.Generator().manual_seed(1))
    assert torch.equal(blocks(turned, scale), target)
    unmoved = (turned == worse).flatten(1).all(1)
    assert 0 < int(unmoved.sum()) < 32
    for name, small, large in data.held_out(9, 12 * scale):
        assert name.split()[0] in ("0", "5")
        assert small.shape == (channels, 12, 12)
        assert torch.equal(blocks(small, scale), large)
    assert [image.shape[1] for _, image, _ in data.held_out(9, 0)] == [24, 24]


@pytest.mark.parametrize("id", ["scale", "color_jitter"])
def test_an_augmentation_that_makes_another_pair_is_refused(id: str) -> None:
    _, worse, clean = pair(0, 16, 16, 1)
    with pytest.raises(ConfigError, match="leave it out, or take flip and rotate"):
        augment_pairs(worse[None] / 255, clean[None] / 255, [Augmentation(id=id)], torch.Generator())


def test_sizes_that_do_not_fit_are_named() -> None:
    doubled = [pair(i, 16, 20, 2) for i in range(3)]
    with pytest.raises(ConfigError, match="is 2 × as large as its degraded one, not 1 ×: set Scale to 2"):
        pair_data(doubled, 1)
    with pytest.raises(ConfigError, match=r"these are not: 9 \(20 × 16 for 60 × 48\)\.$"):
        pair_data([*doubled, pair(9, 16, 20, 3)], 2)
    many = [pair(i, 16, 20, 1 + i % 2) for i in range(12)]
    with pytest.raises(ConfigError, match="and 3 more"):
        pair_data(many, 1)
    with pytest.raises(ConfigError, match="no pair"):
        pair_data([], 1)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Any]:
    for name, side in (("clean", 64), ("degraded", 32)):
        (tmp_path / name).mkdir()
        for index in range(7):
            image = Image.effect_noise((side, side), index * 30)
            image.save(tmp_path / name / f"p{index}.{'png' if name == 'clean' else 'jpg'}")
    return {"clean_path": str(tmp_path / "clean"), "degraded_path": str(tmp_path / "degraded"), "scale": 2}


def load(params: dict[str, Any]) -> Any:
    spec = SOURCES["pair_folders"]
    return spec.load(spec.check(params), ())


def test_folders_are_matched_by_name(folders: dict[str, Any]) -> None:
    data = load(folders)
    assert [name for name, _, _ in data.held_out(9, 0)] == ["p0", "p5"]
    assert channels_and_scale(
        DataConfig.model_validate({"source": {"id": "pair_folders", "params": folders}})
    ) == (3, 2)
    apart = {"held_out_clean_path": folders["clean_path"], "held_out_degraded_path": folders["degraded_path"]}
    assert len(load({**folders, **apart, "limit": 3}).held_out(9, 0)) == 3


def test_files_without_a_partner_are_named(folders: dict[str, Any]) -> None:
    degraded = Path(folders["degraded_path"])
    (degraded / "p3.jpg").rename(degraded / "q3.jpg")
    with pytest.raises(ConfigError, match=r"no degraded image of the same name for p3\."):
        load(folders)
    Image.new("RGB", (64, 64)).save(Path(folders["clean_path"]) / "p3.bmp")
    with pytest.raises(ConfigError, match=r"more than one image of the same name: p3\."):
        load(folders)
    for index in range(7):
        (Path(folders["clean_path"]) / f"p{index}.png").unlink()
    (Path(folders["clean_path"]) / "p3.bmp").unlink()
    with pytest.raises(ConfigError, match="There is no PNG"):
        load(folders)
    Image.new("RGB", (64, 64)).save(Path(folders["clean_path"]) / "a.png")
    with pytest.raises(ConfigError, match="Name the folder of degraded images"):
        load({**folders, "degraded_path": " "})


def test_uploads_are_matched_by_the_name_in_their_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    (tmp_path / "uploads").mkdir()
    ids: dict[str, list[str]] = {"clean": [], "degraded": []}
    for side, order in (("clean", "abcdef"), ("degraded", "fedcba")):
        for name in order:
            who = f"{'c' if side == 'clean' else 'd'}{len(ids[side]):015x}"
            ids[side].append(f"{who}-{name}-{ord(name):06x}.png")  # as the page keeps an upload
            Image.new("RGB", (32, 32), (ord(name), 0, 0)).save(tmp_path / "uploads" / ids[side][-1])
    spec = SOURCES["pair_uploads"]

    def load_ids(**changed: list[str]) -> Any:
        asked = {f"{side}_ids": ",".join(found) for side, found in {**ids, **changed}.items()}
        return spec.load(spec.check(asked), ())

    worse, clean = load_ids().draw(8, 16, torch.Generator().manual_seed(0))
    assert torch.equal(worse, clean)
    with pytest.raises(ConfigError, match=r"no degraded image of the same name for f\."):
        load_ids(degraded=ids["degraded"][1:])
    with pytest.raises(ConfigError, match="Upload at least one degraded image"):
        load_ids(degraded=[])
    with pytest.raises(ConfigError, match=r"More than one clean image of the same name was uploaded: a\."):
        load_ids(clean=[*ids["clean"], ids["clean"][0]])
    (tmp_path / "uploads" / ids["clean"][0]).write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"^'a\.png' is not a PNG"):
        load_ids()
