"""Tiles that overlap give what the whole image gives."""

from __future__ import annotations

import pytest
import torch

from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.training.tiles import tiled


@pytest.mark.parametrize(
    ("model", "scale", "size"),
    [("dncnn", 1, (70, 91)), ("ffdnet", 1, (65, 88)), ("espcn", 2, (50, 75)), ("edsr", 3, (61, 40))],
)
def test_tiles_equal_the_whole(model: str, scale: int, size: tuple[int, int]) -> None:
    module = build_network(NetworkConfig(id=model), ModelIO(scale=scale), seed=1).module.eval()
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = module(image)
    assert torch.allclose(tiled(module, image, scale, tile=32, halo=40), whole, atol=1e-5)


def test_a_halo_that_is_too_small_shows() -> None:
    """So the test above can fail."""
    module = build_network(NetworkConfig(id="dncnn"), ModelIO(), seed=1).module.eval()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert not torch.allclose(tiled(module, image, 1, tile=32, halo=0), module(image), atol=1e-5)
