"""Tiles that overlap give what the whole image gives, and tell where they cannot."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.tasks.tiles import WHOLE, apart_words, tiled

SMALL = {"whole": 0, "tile": 32, "fade": 8}


@pytest.mark.parametrize(
    ("model", "scale", "size"),
    [
        ("dncnn", 1, (70, 91)),
        ("ffdnet", 1, (65, 88)),
        ("espcn", 2, (50, 75)),
        ("edsr", 3, (61, 40)),
        ("espcn", 2, (33, 20)),
    ],
)
def test_tiles_equal_the_whole(model: str, scale: int, size: tuple[int, int]) -> None:
    module = build_network(NetworkConfig(id=model), ModelIO(scale=scale), seed=1).module.eval()
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = module(image)
    found = tiled(module, image, scale, **SMALL, halo=40)
    assert torch.allclose(found.image, whole, atol=1e-5)
    assert found.apart < 0.01
    assert not apart_words(found.apart)


def test_a_halo_that_is_too_small_shows() -> None:
    """So the test above can fail."""
    module = build_network(NetworkConfig(id="dncnn"), ModelIO(), seed=1).module.eval()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = module(image)
    found = tiled(module, image, 1, **SMALL, halo=0)
    assert not torch.allclose(found.image, whole, atol=1e-5)
    assert found.apart > 0.01


def brighter_than_its_mean(image: Tensor) -> Tensor:
    """A network that looks at all it is given."""
    return image + image.mean((-2, -1), keepdim=True)


def test_an_image_that_fits_is_taken_whole() -> None:
    image = torch.rand(1, 3, 300, 400, generator=torch.Generator().manual_seed(2))
    found = tiled(brighter_than_its_mean, image, 1)
    assert image[0, 0].numel() < WHOLE
    assert found.apart == 0
    torch.testing.assert_close(found.image, brighter_than_its_mean(image))


@pytest.mark.parametrize("turned", [False, True])
def test_tiles_of_a_network_that_looks_at_everything_pass_into_each_other(turned: bool) -> None:
    image = torch.zeros(1, 1, 32, 64)
    image[..., 32:] = 0.5
    image = image.transpose(-1, -2) if turned else image
    found = tiled(brighter_than_its_mean, image, 1, **SMALL, halo=0)
    line = found.image[0, 0, :, 16] if turned else found.image[0, 0, 16]
    # each tile sees 8 pixels of the other: means of 1/5 and 4/5 of a half, so .3 = 76.5 gray levels apart
    assert found.apart == pytest.approx(76.5, abs=0.01)
    torch.testing.assert_close(line[:24], torch.full((24,), 0.1))
    torch.testing.assert_close(line[40:], torch.full((24,), 0.9))
    steps = line.diff()
    steps[31] -= 0.5  # the image's own edge
    assert steps.min() >= -1e-6
    assert steps.max() < 0.3 / 15
    assert "up to 77 of 255 gray levels" in apart_words(found.apart)
