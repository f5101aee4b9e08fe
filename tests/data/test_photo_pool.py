from __future__ import annotations

import pytest
import torch

from kdexplorer.data.photo_pool import Photos, PixelPool, split_photos
from kdexplorer.params import ConfigError


def photo(index: int, height: int, width: int) -> torch.Tensor:
    """Every pixel tells its photo, row and column."""
    rows = torch.arange(height, dtype=torch.uint8).view(-1, 1).expand(height, width)
    columns = torch.arange(width, dtype=torch.uint8).view(1, -1).expand(height, width)
    return torch.stack((torch.full((height, width), index, dtype=torch.uint8), rows, columns))


def test_crops_are_squares_of_one_photo_and_reach_every_position() -> None:
    sizes = [(20, 31), (17, 16), (40, 20), (9, 90)]
    pool = PixelPool([photo(i, *size) for i, size in enumerate(sizes)])
    crops = (pool.draw(20_000, 16, torch.Generator().manual_seed(0)) * 255).round().long()
    corners = crops[:, :, 0, 0]
    side = torch.arange(16)
    assert (crops[:, 0] == corners[:, 0, None, None]).all()
    assert (crops[:, 1] == corners[:, 1, None, None] + side[:, None]).all()
    assert (crops[:, 2] == corners[:, 2, None, None] + side).all()
    seen, counts = torch.unique(corners, dim=0, return_counts=True)
    expected = {(i, y, x) for i, (h, w) in enumerate(sizes) for y in range(h - 15) for x in range(w - 15)}
    assert set(map(tuple, seen.tolist())) == expected
    assert counts.max() < 2 * counts.float().mean()


def test_the_generator_alone_decides() -> None:
    pool = PixelPool([photo(0, 40, 50), photo(1, 60, 30)])
    first, again, other = (pool.draw(8, 16, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_crop_larger_than_every_photo_is_refused_in_words() -> None:
    pool = PixelPool([photo(0, 40, 50)])
    with pytest.raises(ConfigError, match=r"48 pixels a side.*only 40.*smaller training patch"):
        pool.draw(1, 48, torch.Generator())
    with pytest.raises(ConfigError, match="no photo"):
        PixelPool([])


def held() -> Photos:
    photos = [("a", photo(1, 50, 70)), ("b", photo(2, 40, 33))]
    return Photos(PixelPool([photo(0, 64, 64)]), photos)


def test_held_out_crops_do_not_overlap_and_take_turns() -> None:
    crops = held().held_out(100, 16)
    places = [tuple(crop[:, 0, 0].tolist()) for _, crop in crops]
    assert len(crops) == 3 * 4 + 2 * 2 == len(set(places))
    assert [name for name, _ in crops[:4]] == ["a 1", "b 1", "a 2", "b 2"]
    for i, (p1, y1, x1) in enumerate(places):
        for p2, y2, x2 in places[:i]:
            assert p1 != p2 or abs(y1 - y2) >= 16 or abs(x1 - x2) >= 16


def test_fewer_held_out_crops_are_the_first_of_more() -> None:
    few, many = held().held_out(5, 16), held().held_out(9, 16)
    assert [name for name, _ in few] == [name for name, _ in many[:5]]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(few, many, strict=False))


def test_whole_photos_and_photos_smaller_than_the_crop() -> None:
    assert [tuple(crop.shape) for _, crop in held().held_out(5, 0)] == [(3, 50, 70), (3, 40, 33)]
    assert [tuple(crop.shape) for _, crop in held().held_out(5, 48)] == [(3, 48, 48), (3, 40, 33)]


def test_split_by_photo_or_by_place() -> None:
    many = split_photos([(str(i), photo(i, 20, 20)) for i in range(7)])
    assert [name for name, _ in many.held_out(9, 0)] == ["0", "5"]
    drawn = many.draw(200, 16, torch.Generator().manual_seed(0))[:, 0] * 255
    assert set(drawn.round().unique().tolist()) == {1, 2, 3, 4, 6}
    one = split_photos([("only", photo(0, 30, 90))])
    [(_, right)] = one.held_out(9, 0)
    assert right[2].min() == 60
    assert (one.draw(200, 16, torch.Generator().manual_seed(0))[:, 2] * 255).round().max() < 60
