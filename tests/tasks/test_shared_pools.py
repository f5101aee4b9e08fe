"""What a network averages over all pixels is the same for all tiles."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.tasks.tiles import tiled


def test_no_part_is_narrow_where_the_image_is_a_little_wider_than_a_tile() -> None:
    network, seen = Attention(), list[int]()
    network.register_forward_pre_hook(lambda module, inputs: seen.extend(inputs[0].shape[-2:]))
    for size in ((65, 33), (16, 16 * 40 + 1)):
        tiled(network, torch.rand(1, 3, *size), 1, whole=0, tile=16, fade=8, halo=0)
    assert 8 <= min(seen) <= max(seen) <= 24 + 2 * 8


class Attention(nn.Module):
    """Averages twice, through one layer: of the image, and of what that made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, image: Tensor) -> Tensor:
        first = image - self.pool(image)
        return first * self.pool(first + 1)


def test_tiles_of_a_network_that_pools_equal_the_whole() -> None:
    image = torch.rand(1, 3, 70, 91, generator=torch.Generator().manual_seed(2))
    image[..., 40:] *= 0.3
    network = Attention()
    found = tiled(network, image, 1, whole=0, tile=32, fade=8, halo=8)
    with torch.no_grad():
        whole = network(image)  # also: no hook was left
        apart = network(image[..., :40]) - whole[..., :40]
    # the second average is of an exact first one only where all tiles are alike, hence not to a rounding
    torch.testing.assert_close(found.image, whole, atol=1e-4, rtol=0)
    assert found.apart < 0.01
    assert apart.abs().max() > 0.05
    assert not network.pool._forward_hooks
    assert not network._forward_pre_hooks


@pytest.mark.parametrize("family", ["imdn", "nafnet", "rcan"])
def test_tiles_of_deep_networks_that_pool_equal_the_whole(family: str) -> None:
    """Half bright and half dark: averages of averages, variances, and averages of folded features differ by tile."""
    network = build_network(NetworkConfig(id=family), ModelIO(scale=1), seed=1).module.eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for (
            parameter
        ) in network.parameters():  # attention that is worth the name, and layers that begin at zero
            parameter.add_(0.15 * torch.randn(parameter.shape, generator=generator))
    image = torch.rand(1, 3, 200, 232, generator=generator)
    image[..., :100, :] = 0.85 + 0.15 * image[..., :100, :]
    image[..., 100:, :] *= 0.3
    found = tiled(network, image, 1, whole=0, tile=64, fade=8, halo=48)
    with torch.no_grad():
        whole = network(image)
    apart = (found.image - whole).abs().max() / whole.std()
    assert apart < 1e-3
