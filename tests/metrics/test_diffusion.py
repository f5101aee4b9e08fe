"""The diffusion index against the definition of the Gini coefficient, and at its ends."""

from __future__ import annotations

import pytest
import torch

from kdexplorer.metrics.diffusion import diffusion_index, gini


def test_gini_is_the_mean_difference_of_all_pairs() -> None:
    maps = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0)) ** 4
    values = maps.flatten(1).double()
    pairs = (values[:, :, None] - values[:, None, :]).abs().sum((1, 2))
    expected = pairs / (2 * values.shape[1] ** 2 * values.mean(1))
    torch.testing.assert_close(gini(maps), expected)
    torch.testing.assert_close(gini(-7 * maps), expected)  # neither sign nor scale counts


def test_one_pixel_alone_and_all_alike() -> None:
    maps = torch.zeros(3, 20, 20)
    maps[0, 4, 9] = 3
    maps[1] = 0.2
    alone, alike, empty = diffusion_index(maps).tolist()
    assert alone == pytest.approx(100 / 400)
    assert alike == pytest.approx(100)
    assert empty != empty


def test_wider_context_scores_higher() -> None:
    maps = torch.zeros(2, 32, 32)
    maps[0, 12:20, 12:20] = 1
    maps[1, 4:28, 4:28] = 1
    narrow, wide = diffusion_index(maps).tolist()
    assert narrow == pytest.approx(100 * 64 / 1024)
    assert wide == pytest.approx(100 * 576 / 1024)
