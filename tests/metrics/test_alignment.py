from __future__ import annotations

import pytest
import torch
from scipy.spatial.distance import cosine as cosine_distance
from scipy.stats import spearmanr

from kdexplorer.metrics.alignment import (
    cosine,
    energy_inside,
    rank_correlation,
    top_overlap,
    without_evidence,
)


def maps() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(5, 9, 11, generator=generator)
    b = 0.5 * a + torch.rand(5, 9, 11, generator=generator)
    return (a * 6).round() / 6, b.clamp(min=0.6)  # both with ties


def test_cosine_and_rank_correlation_equal_scipy() -> None:
    a, b = maps()
    pairs = [(x.flatten().double().numpy(), y.flatten().double().numpy()) for x, y in zip(a, b, strict=True)]
    assert cosine(a, b).tolist() == pytest.approx([1 - cosine_distance(x, y) for x, y in pairs], abs=1e-6)
    oracle = [spearmanr(x, y).statistic for x, y in pairs]
    assert rank_correlation(a, b).tolist() == pytest.approx(oracle, abs=1e-6)


def test_rank_correlation_ignores_any_rising_curve() -> None:
    a, b = maps()
    torch.testing.assert_close(rank_correlation(a, b.exp() ** 3), rank_correlation(a, b))
    assert rank_correlation(a, -a).tolist() == pytest.approx([-1] * 5, abs=1e-6)


def test_an_empty_map_has_no_score_and_a_constant_one_no_order() -> None:
    a, _ = maps()
    maps_of = torch.stack([a[0], torch.zeros_like(a[0]), torch.full_like(a[0], 0.7)])
    both = a[:3] > 0.5
    assert cosine(maps_of, a[:3]).isnan().tolist() == [False, True, False]
    for measure in (rank_correlation, top_overlap):
        assert measure(maps_of, a[:3]).isnan().tolist() == [False, True, True]
        assert measure(a[:3], maps_of).isnan().tolist() == [False, True, True]
    inside = energy_inside(maps_of, both)
    assert inside.isnan().tolist() == [False, True, False]
    assert inside[2].item() == pytest.approx(both[2].float().mean().item())
    assert without_evidence(maps_of).tolist() == [False, True, False]
    assert without_evidence(-a).tolist() == [True] * 5


def test_top_overlap_counts_common_bright_pixels() -> None:
    a = torch.arange(100.0).view(1, 10, 10)
    assert top_overlap(a, a).item() == 1
    assert top_overlap(a, -a).item() == 0
    assert top_overlap(a, a.roll(10)).item() == pytest.approx(0.5)  # the brightest row wraps to the dark end


def test_energy_inside_is_the_share_on_the_mask() -> None:
    map = torch.ones(1, 4, 4)
    map[:, 0] = 3
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[:, 0] = True
    assert energy_inside(map, mask).item() == pytest.approx(0.5)
