from __future__ import annotations

import pytest
import torch

from kdexplorer.data import SOURCES, LabelledImages
from kdexplorer.data.outlines import OUTLINES
from kdexplorer.data.sources.shapes import Shapes
from kdexplorer.params import ConfigError


def shapes(excluded: tuple[int, ...] = (), **params: float) -> Shapes:
    spec = SOURCES["shapes"]
    data = spec.load(spec.check(params), excluded)
    assert isinstance(data, Shapes)
    return data


def drawn(data: Shapes, batch: int = 64, seed: int = 0) -> LabelledImages:
    return data.draw(batch, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [16, 32, 97, 224])
def test_images_masks_and_boxes_belong_together(size: int) -> None:
    made = drawn(shapes(size=size), batch=16)
    assert made.masks is not None
    assert made.boxes is not None
    assert made.images.shape == (16, 3, size, size)
    assert made.images.min() >= 0
    assert made.images.max() <= 1
    for mask, (x0, y0, x1, y1) in zip(made.masks, made.boxes.int().tolist(), strict=True):
        assert 0.03 < mask.float().mean() < 0.6
        ys, xs = mask.nonzero().T
        assert [int(v) for v in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)] == [x0, y0, x1, y1]


def test_same_seed_same_images() -> None:
    data = shapes()
    assert torch.equal(drawn(data, seed=5).images, drawn(data, seed=5).images)
    assert not torch.equal(drawn(data, seed=5).images, drawn(data, seed=6).images)


def test_held_out_images_are_fixed_balanced_and_prefixes() -> None:
    few, many = shapes().held_out(40), shapes((1, 2)).held_out(300)
    assert torch.equal(few.images, many.images[:40])
    counts = torch.bincount(many.labels, minlength=8)
    assert counts.min() >= 32
    assert len(few.labels.unique()) == 8


def test_excluded_classes_are_never_drawn() -> None:
    labels = drawn(shapes((0, 4), size=16), batch=400).labels
    assert set(labels.tolist()) == {1, 2, 3, 5, 6, 7}
    with pytest.raises(ConfigError, match="leave at least one"):
        shapes(tuple(range(8)))


def test_color_does_not_tell_the_class() -> None:
    made = drawn(shapes(), batch=2000)
    assert made.masks is not None
    mask = made.masks.unsqueeze(1)
    color = (made.images * mask).sum(dim=(2, 3)) / mask.sum(dim=(2, 3))
    means = torch.stack([color[made.labels == index].mean(dim=0) for index in range(8)])
    assert means.std(dim=0).max() < 0.2 * color.std(dim=0).min()


def test_objects_stand_out_from_what_is_behind_them() -> None:
    made = drawn(shapes(clutter=0), batch=400)
    assert made.masks is not None
    mask = made.masks.unsqueeze(1)
    inside = (made.images * mask).sum(dim=(2, 3)) / mask.sum(dim=(2, 3))
    outside = (made.images * ~mask).sum(dim=(2, 3)) / (~mask).sum(dim=(2, 3))
    assert ((inside - outside).abs().amax(dim=1) > 0.1).float().mean() > 0.98


def test_clutter_zero_is_a_plain_background() -> None:
    image = drawn(shapes(clutter=0, size=64), batch=1)
    assert image.masks is not None
    outside = torch.nn.functional.max_pool2d(image.masks.float()[:, None], 3, 1, 1)[:, 0] == 0
    assert image.images[0][:, outside[0]].std(dim=1).max() < 1e-6


@pytest.mark.parametrize("name", list(OUTLINES))
def test_outlines_are_distances_near_their_edge(name: str) -> None:
    line = (torch.arange(400) + 0.5) / 400 * 2.4 - 1.2
    y, x = torch.meshgrid(line, line, indexing="ij")
    distance = OUTLINES[name](x[None], y[None])[0]
    dy, dx = torch.gradient(distance, spacing=2.4 / 400)
    edge = distance.abs() < 0.03
    slope = torch.hypot(dx, dy)[edge]
    assert ((slope > 0.85) & (slope < 1.1)).float().mean() > 0.9
    border = torch.cat((distance[0], distance[-1], distance[:, 0], distance[:, -1]))
    assert border.min() > 0  # the object ends inside its frame
    assert 0.2 < (distance < 0).float().mean() * 2.4**2 / 3.14 < 1
