"""Maps over the image, from feature maps and from tokens."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kdexplorer.attribution.algorithms.input_gradient import input_gradient
from kdexplorer.attribution.maps import feature_map, heatmap, token_grid
from kdexplorer.params import ConfigError


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (64, (32, 32), (0, 8, 8)),
        (197, (224, 224), (1, 14, 14)),
        (198, (224, 224), (2, 14, 14)),
        (201, (224, 224), (5, 14, 14)),
        (4, (32, 32), (0, 2, 2)),
        (5, (32, 32), (1, 2, 2)),
        (8, (32, 64), (0, 2, 4)),
        (1, (16, 16), (0, 1, 1)),
    ],
)
def test_tokens_form_the_grid_of_the_image(
    count: int, size: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert token_grid(count, *size) == expected


def test_tokens_that_form_no_grid() -> None:
    with pytest.raises(ConfigError, match="form no grid"):
        token_grid(60, 32, 32)


def test_tokens_become_a_map_row_by_row() -> None:
    tokens = torch.arange(17.0).view(1, 17, 1)  # a class token and 4 × 4 patches
    assert torch.equal(feature_map(tokens, 32, 32), torch.arange(1.0, 17).view(1, 1, 4, 4))
    with pytest.raises(ConfigError, match="gives 2 dimensions"):
        feature_map(torch.zeros(2, 3), 32, 32)


def test_heatmaps_are_scaled_to_their_own_maximum_and_zero_stays_zero() -> None:
    raw = torch.stack([torch.eye(2) * 0.1, -torch.eye(2), torch.zeros(2, 2), torch.eye(2) * 1e6])
    maps = heatmap(raw, 4, 6)
    assert maps.shape == (4, 4, 6)
    assert torch.equal(maps.amax((1, 2)), torch.tensor([1.0, 0.0, 0.0, 1.0]))
    assert maps.min() == 0
    torch.testing.assert_close(maps[0], maps[3])


def test_input_gradient_of_a_linear_network_is_weight_times_pixel() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2, bias=False))
    images = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = (images * model[1].weight[1].view(1, 3, 4, 4)).sum(1).relu()
    expected = expected / expected.amax((1, 2), keepdim=True)
    maps = input_gradient(model, images, torch.tensor([1, 1]), "")
    torch.testing.assert_close(maps, expected.detach())
