"""Each degradation against what it says it is: another library's, or the physics' own expectation."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage
from torch.utils._python_dispatch import TorchDispatchMode

from kdexplorer.config import Component
from kdexplorer.data import DEGRADATIONS, SOURCES
from kdexplorer.data.kernels import convolve, disc, gaussian_blur, line
from kdexplorer.data.pipeline import degrade

BLIND = [spec.id for spec in DEGRADATIONS if any(p.name.endswith("_max") for p in spec.params)]


def photo(side: int = 96) -> torch.Tensor:
    [(_, crop)] = SOURCES["photos"].load({}, ()).held_out(1, side)
    return crop[None].float() / 255


def worse(images: torch.Tensor, id: str, seed: int = 0, **params: float) -> torch.Tensor:
    return degrade(images, (Component(id=id, params=params),), torch.Generator().manual_seed(seed))


def test_gaussian_blur_equals_scipy() -> None:
    image = photo()
    expected = ndimage.gaussian_filter(image.double().numpy(), (0, 0, 2, 2), mode="mirror", radius=6)
    torch.testing.assert_close(worse(image, "gaussian_blur", sigma=2).double(), torch.tensor(expected), atol=1e-5, rtol=0)  # fmt: skip


def test_a_line_to_the_right_is_a_moving_average() -> None:
    image = photo()
    kernel = line(torch.tensor([9.0]), torch.tensor([0.0]), 5)
    expected = ndimage.uniform_filter1d(image.double().numpy(), 9, axis=3, mode="mirror")
    torch.testing.assert_close(convolve(image, kernel).double(), torch.tensor(expected), atol=1e-5, rtol=0)
    turned = line(torch.tensor([9.0]), torch.tensor([math.pi / 2]), 5)
    torch.testing.assert_close(turned, kernel.transpose(1, 2), atol=1e-6, rtol=0)


@pytest.mark.parametrize("radius", [1.5, 3.0, 8.0])
def test_a_disc_has_the_spread_of_a_disc(radius: float) -> None:
    kernel = disc(torch.tensor([radius]), math.ceil(radius + 0.5))[0].double()
    offsets = torch.arange(len(kernel)) - len(kernel) // 2
    assert kernel.sum().item() == pytest.approx(1)
    assert (kernel.sum(0) * offsets**2).sum().item() == pytest.approx(radius**2 / 4, rel=0.08)


def test_images_smaller_than_a_kernel_are_blurred_too() -> None:
    small = torch.rand(2, 3, 6, 5)
    for id, params in {"defocus": {"radius": 12}, "motion_blur": {"length": 31}, "gaussian_blur": {"sigma": 5}}.items():  # fmt: skip
        assert worse(small, id, **params).shape == small.shape
    flat = torch.full((1, 3, 20, 20), 0.3)
    torch.testing.assert_close(worse(flat, "defocus"), flat)


@pytest.mark.parametrize("level", [0.1, 0.8])
def test_camera_noise_has_the_mean_and_variance_of_photons_and_reading(level: float) -> None:
    clean = torch.full((4, 3, 128, 128), level)
    noise = worse(clean, "poisson_gaussian", photons=50, read=10) - clean
    assert noise.mean().item() == pytest.approx(0, abs=2e-3)
    assert noise.var().item() == pytest.approx(level / 50 + (10 / 255) ** 2, rel=0.03)


def test_low_light_catches_the_share_of_light_it_says() -> None:
    image = photo()
    dark = worse(image, "low_light", exposure=0.1, photons=100_000)
    assert (dark**2.2).mean().item() == pytest.approx(0.1 * (image**2.2).mean().item(), rel=0.02)
    noisy = worse(image, "low_light", exposure=0.1, photons=50)
    assert (noisy - dark).std() > 0.05


@pytest.mark.parametrize("quality", [10, 75])
def test_jpeg_is_what_a_file_would_hold(quality: int) -> None:
    image = photo()
    file = io.BytesIO()
    pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    expected = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)
    assert (worse(image, "jpeg", quality=quality)[0] * 255 - expected).abs().max() <= 1e-3
    gray = image[:, :1]
    assert worse(gray, "jpeg").shape == gray.shape


def test_haze_dims_what_is_far_towards_the_airlight() -> None:
    spec = DEGRADATIONS["haze"]
    params = spec.check({"beta": 3})
    image = photo()
    sampled = spec.sample(image.shape, params, torch.Generator().manual_seed(0))
    depth = sampled["depth"]
    assert depth.min() >= 0
    assert depth.max() <= 1
    assert depth[:, :, :20].mean() > depth[:, :, -20:].mean() + 0.2  # far at the top
    hazy = spec.apply(image, sampled, params)
    left = (hazy - sampled["airlight"]).abs() / (image - sampled["airlight"]).abs().clamp(min=1e-3)
    sure = (image - sampled["airlight"]).abs() > 0.05
    torch.testing.assert_close(left[sure], torch.exp(-3 * depth).expand_as(left)[sure], atol=1e-3, rtol=1e-3)
    near = spec.apply(image, {**sampled, "depth": torch.zeros_like(depth)}, params)
    torch.testing.assert_close(near, image)


def test_rain_adds_light_along_the_fall() -> None:
    dark = torch.full((4, 3, 96, 96), 0.2)
    rain = worse(dark, "rain_streaks") - dark
    assert rain.min() >= -1e-6
    assert 0.003 < (rain > 0.1).float().mean() < 0.5
    centred = rain - rain.mean()
    down = (centred[:, :, 4:] * centred[:, :, :-4]).mean()
    across = (centred[..., 4:] * centred[..., :-4]).mean()
    assert down > 3 * across.abs()
    white = torch.ones(1, 3, 32, 32)
    assert torch.equal(worse(white, "rain_streaks"), white)


def test_a_drop_shows_its_surroundings_upside_down_and_leaves_the_rest() -> None:
    ramp = torch.linspace(0, 1, 80).view(1, 1, 80, 1).expand(1, 3, 80, 80).contiguous()
    spec = DEGRADATIONS["rain_drops"]
    sampled = {"centre": torch.tensor([[[40.0, 40.0]]]), "radius": torch.tensor([[10.0]])}
    drop = spec.apply(ramp, sampled, spec.check({}))
    y, x = torch.meshgrid(torch.arange(80) - 39.5, torch.arange(80) - 39.5, indexing="ij")
    outside = torch.hypot(x, y) > 10
    assert torch.equal(drop[:, :, outside], ramp[:, :, outside])
    middle = drop[0, 0, 36:44, 40]
    assert (middle.diff() < 0).all()  # what was rising falls
    slope = middle.diff().mean() / ramp[0, 0, :, 0].diff().mean()
    assert slope.item() == pytest.approx(-2.5, rel=0.05)


def drops_over_whole_images(images: torch.Tensor, centres: torch.Tensor, radii: torch.Tensor) -> torch.Tensor:
    """The definition: every drop looks at every pixel."""
    batch, _, height, width = images.shape
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    shown_x, shown_y = x.repeat(batch, 1, 1), y.repeat(batch, 1, 1)
    cover = torch.zeros((batch, height, width))
    for centre, radius in zip(centres.unbind(1), radii.unbind(1), strict=True):
        across, down = x - centre[:, :1, None], y - centre[:, 1:, None]
        inside = ((radius[:, None, None] - torch.hypot(across, down)) / 1.5).clamp(0, 1)
        nearer = inside > cover
        shown_x = torch.where(nearer, centre[:, :1, None] - 2.5 * across, shown_x)
        shown_y = torch.where(nearer, centre[:, 1:, None] - 2.5 * down, shown_y)
        cover = torch.maximum(cover, inside)
    grid = torch.stack([2 * shown_x / width - 1, 2 * shown_y / height - 1], dim=-1)
    blurred = gaussian_blur(images, torch.full((batch,), 1.5), 5)
    seen = F.grid_sample(blurred, grid, padding_mode="reflection", align_corners=False)
    return torch.lerp(images, seen, cover.unsqueeze(1))


@pytest.mark.parametrize("radius", [2.0, 7.0, 30.0])
@pytest.mark.parametrize("size", [(96, 70), (40, 200), (24, 24)])
def test_drops_in_boxes_are_the_drops_over_whole_images(size: tuple[int, int], radius: float) -> None:
    spec = DEGRADATIONS["rain_drops"]
    params = spec.check({"radius": radius, "drops": 20})
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(1))
    sampled = spec.sample(images.shape, params, torch.Generator().manual_seed(2))
    expected = drops_over_whole_images(images, sampled["centre"], sampled["radius"])
    torch.testing.assert_close(spec.apply(images, sampled, params), expected, rtol=0, atol=0)


class Made(TorchDispatchMode):
    """Lists how many values each operation gives back, but for those that write in place."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[int] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and not func._schema.name.endswith("_"):
            self.values.append(made.numel())
        return made


def test_the_work_on_drops_grows_with_the_area() -> None:
    """Not with its square, as it would where every drop looked at every pixel."""
    spec, made = DEGRADATIONS["rain_drops"], {}
    params = spec.check({})
    for side in (128, 256):
        images = torch.rand(1, 3, side, side)
        sampled = spec.sample(images.shape, params, torch.Generator().manual_seed(2))
        with Made() as results:
            spec.apply(images, sampled, params)
        made[side] = sum(results.values)
        large = [values for values in results.values if values > (2 * 7 + 3) ** 2]
        assert len(large) < 60, len(large)  # as many as work on the whole image, whatever the drops
    assert made[256] < 5 * made[128]


@pytest.mark.parametrize("id", BLIND)
def test_a_range_draws_a_strength_for_each_image(id: str) -> None:
    spec = DEGRADATIONS[id]
    [top] = [p for p in spec.params if p.name.endswith("_max")]
    name = top.name.removesuffix("_max")
    [param] = [p for p in spec.params if p.name == name]
    low, high = float(param.minimum or 0.5), float(param.maximum or 1)
    params = spec.check({name: low, top.name: high})
    images = torch.rand(6, 3, 32, 32)
    found = spec.apply(images, spec.sample(images.shape, params, torch.Generator().manual_seed(1)), params)
    assert found.isfinite().all()
    assert len({round(float(difference), 6) for difference in (found - images).abs().mean((1, 2, 3))}) == 6
