from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from kdexplorer.config import Component
from kdexplorer.data import DEGRADATIONS, SOURCES
from kdexplorer.data.pipeline import degrade, scale_of
from kdexplorer.data.resize import bicubic_downsample, bicubic_upsample, mod_crop
from kdexplorer.metrics.image import psnr
from kdexplorer.params import ConfigError

IDS = [spec.id for spec in DEGRADATIONS]


def photo() -> torch.Tensor:
    [(_, crop)] = SOURCES["photos"].load({}, ()).held_out(1, 240)
    return crop[None].float() / 255


def pillow(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Resized in floating point, as Pillow does it before it rounds."""
    planes = [Image.fromarray(plane.numpy()) for plane in images[0]]
    resized = [np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC)) for plane in planes]
    return torch.from_numpy(np.stack(resized))[None]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_resizing_equals_pillow(scale: int) -> None:
    image = photo()
    small = bicubic_downsample(image, scale)
    torch.testing.assert_close(small, pillow(image, 240 // scale, 240 // scale), atol=1e-5, rtol=0)
    torch.testing.assert_close(bicubic_upsample(small, scale), pillow(small, 240, 240), atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_degradation_is_what_an_image_file_would_hold(scale: int) -> None:
    image = photo()
    small = degrade(image, (Component(id="bicubic", params={"scale": scale}),), torch.Generator())
    file = Image.fromarray((image[0].permute(1, 2, 0) * 255).round().byte().numpy())
    file = file.resize((240 // scale, 240 // scale), Image.Resampling.BICUBIC)
    oracle = torch.from_numpy(np.array(file)).permute(2, 0, 1)
    assert (small[0] * 255 - oracle).abs().max() <= 1.001  # Pillow rounds after each of its two passes
    assert psnr(bicubic_upsample(small, scale), image).item() > 25


def test_sizes_that_do_not_divide_are_refused_and_can_be_cut() -> None:
    image = torch.rand(1, 3, 50, 61)
    with pytest.raises(ValueError, match="mod_crop"):
        bicubic_downsample(image, 4)
    assert bicubic_downsample(mod_crop(image, 4), 4).shape == (1, 3, 12, 15)


def test_noise_has_the_strength_it_says() -> None:
    clean = torch.full((4, 3, 64, 64), 0.5)
    noisy = degrade(clean, (Component(id="gaussian_noise", params={"sigma": 50}),), torch.Generator())
    assert ((noisy - clean).std() * 255).item() == pytest.approx(50, rel=0.02)
    assert noisy.min() < 0  # not clipped
    assert noisy.max() > 1


def test_blind_noise_draws_a_strength_for_each_image() -> None:
    spec = DEGRADATIONS["gaussian_noise"]
    params = spec.check({"sigma": 10, "sigma_max": 60})
    sigma = spec.sample((2000, 1, 2, 2), params, torch.Generator().manual_seed(0))["sigma"].flatten() * 255
    assert sigma.min() >= 10
    assert sigma.max() <= 60
    assert sigma.mean().item() == pytest.approx(35, abs=1)
    assert sigma.std().item() == pytest.approx(50 / 12**0.5, rel=0.05)


@pytest.mark.parametrize("id", IDS)
def test_same_generator_same_result_and_the_scale_it_says(id: str) -> None:
    images = torch.rand(2, 3, 24, 36)
    chosen = (Component(id=id),)
    state = torch.get_rng_state()
    first, again, other = (degrade(images, chosen, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    spec = DEGRADATIONS[id]
    one, two = (spec.sample(images.shape, spec.check({}), torch.Generator().manual_seed(s)) for s in (1, 2))
    assert torch.equal(first, other) is all(torch.equal(one[name], two[name]) for name in one)
    assert first.dtype == torch.float32
    assert first.shape == (2, 3, 24 // scale_of(chosen), 36 // scale_of(chosen))
    assert torch.equal(torch.get_rng_state(), state)


def test_degradations_follow_one_another() -> None:
    chosen = (Component(id="bicubic", params={"scale": 3}), Component(id="gaussian_noise"))
    images = torch.full((1, 3, 48, 48), 0.5)
    worse = degrade(images, chosen, torch.Generator().manual_seed(0))
    assert scale_of(chosen) == 3
    assert worse.shape == (1, 3, 16, 16)
    assert (worse.std() * 255).item() == pytest.approx(25, rel=0.1)


def test_unknown_and_out_of_bounds_are_refused() -> None:
    images = torch.rand(1, 3, 16, 16)
    with pytest.raises(ConfigError, match="bicubic"):
        degrade(images, (Component(id="rust"),), torch.Generator())
    with pytest.raises(ConfigError, match="between 1 and 75"):
        degrade(images, (Component(id="gaussian_noise", params={"sigma": 500}),), torch.Generator())


@pytest.mark.parametrize("spec", list(DEGRADATIONS), ids=lambda spec: spec.id)
def test_gray_images_are_degraded_too(spec):
    params = spec.check({})
    images = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    sampled = spec.sample(images.shape, params, torch.Generator().manual_seed(1))
    worse = spec.apply(images, sampled, params)
    side = 48 // spec.scale(params)
    assert worse.shape == (2, 1, side, side)
    assert worse.isfinite().all()
