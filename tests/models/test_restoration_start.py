"""Restoration networks start at the quality of their input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.models.upsampling import bicubic


def _photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 17), dtype=np.uint8)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_equals_pillow(scale: int) -> None:
    photo = _photo()
    ours = bicubic(torch.from_numpy(photo)[None, None].float(), scale)[0, 0].numpy()
    pillow = Image.fromarray(photo.astype(np.float32)).resize(
        (17 * scale, 12 * scale), Image.Resampling.BICUBIC
    )
    np.testing.assert_allclose(ours, np.asarray(pillow), atol=1e-2)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("id", ["espcn", "fsrcnn", "edsr"])
def test_super_resolution_starts_as_bicubic(id: str, scale: int) -> None:
    images = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    module = build_network(NetworkConfig(id=id), ModelIO(scale=scale), seed=0).module
    assert torch.equal(module(images), bicubic(images, scale))


@pytest.mark.parametrize("id", ["espcn", "fsrcnn", "edsr"])
def test_without_the_skip_it_starts_elsewhere(id: str) -> None:
    images = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    config = NetworkConfig(id=id, params={"global_skip": False})
    assert not torch.allclose(
        build_network(config, ModelIO(scale=2), seed=0).module(images), bicubic(images, 2)
    )


def test_dncnn_starts_as_the_noisy_image_and_subtracts() -> None:
    images = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    module = build_network(NetworkConfig(id="dncnn"), ModelIO(), seed=0).module
    torch.testing.assert_close(module(images), images, atol=0.1, rtol=0)
    torch.testing.assert_close(module(images), images - module.get_submodule("model")(images))


def test_a_few_steps_denoise() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.linspace(0, 1, 32).expand(4, 1, 32, 32).contiguous()
    module = build_network(
        NetworkConfig(id="dncnn", params={"width": 8, "depth": 4}), ModelIO(channels=1), seed=0
    ).module
    optimizer = torch.optim.Adam(module.parameters(), 5e-3)
    for _ in range(40):
        noisy = clean + 0.1 * torch.randn(clean.shape, generator=generator)
        loss = (module(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * 0.01
