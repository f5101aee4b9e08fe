from __future__ import annotations

import time

import torch

from kdexplorer.data import SOURCES
from kdexplorer.data.sources import photos


def test_training_and_held_out_scenes_differ() -> None:
    assert not set(photos.TRAINING) & set(photos.HELD_OUT)
    assert {name for name in photos.TRAINING if "motorcycle" in name} == {
        "motorcycle_left.png",
        "motorcycle_right.png",
    }
    assert [name for name, _ in photos.held_out_photos()] == ["chelsea", "coffee", "flower"]


def test_every_photo_is_in_color_and_large_enough_for_the_largest_patch() -> None:
    for name, photo in (*photos.training_photos(), *photos.held_out_photos()):
        assert photo.dtype == torch.uint8, name
        assert min(photo.shape[1:]) >= 256, name
        assert (photo.float().std(dim=0).mean()) > 2, name  # channels differ


def test_default_held_out_set_is_full_and_deterministic() -> None:
    data = SOURCES["photos"].load({}, ())
    crops = data.held_out(48, 96)
    assert len(crops) == 48
    assert {tuple(crop.shape) for _, crop in crops} == {(3, 96, 96)}
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(crops, data.held_out(48, 96), strict=True))


def test_a_second_load_decodes_nothing() -> None:
    SOURCES["photos"].load({}, ())
    start = time.perf_counter()
    SOURCES["photos"].load({}, ())
    assert time.perf_counter() - start < 0.05
