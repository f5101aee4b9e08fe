"""Local attribution maps: complete, nothing beyond the receptive field, no trace in the network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from kdexplorer.attribution.algorithms.local_attribution import (
    RADIUS,
    SIGMA,
    Patch,
    gradient_detector,
    local_attribution,
)
from kdexplorer.config import NetworkConfig
from kdexplorer.data.kernels import gaussian_blur
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.params import ConfigError

PATCH = Patch(top=10, left=14, side=8)


def _image(height: int = 32, width: int = 40) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(1))


def _edges(model: nn.Module, image: Tensor, patch: Patch) -> float:
    """The detector at the sharp input less that at the blurred one."""
    blurred = gaussian_blur(image[None], torch.tensor([SIGMA]), RADIUS)
    with torch.no_grad():
        sharp, soft = (float(gradient_detector(model(x), patch)) for x in (image[None], blurred))
    return sharp - soft


def test_nothing_beyond_the_receptive_field() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 5, padding=2))
    found = local_attribution(model, _image(), PATCH, steps=6)
    reach = 1 + 2
    field = torch.zeros(32, 40, dtype=torch.bool)
    field[10 - reach : 18 + reach, 14 - reach : 22 + reach] = True
    assert found.shape == (3, 32, 40)
    assert bool((found[:, ~field] == 0).all())
    assert bool((found[:, field] != 0).any(0).float().mean() > 0.99)


@pytest.mark.parametrize("network", ["dncnn", "ffdnet", "espcn", "edsr"])
def test_the_sum_is_what_the_edges_gain_along_the_path(network: str) -> None:
    scale = 2 if network in ("espcn", "edsr") else 1
    built = build_network(NetworkConfig(id=network), ModelIO(scale=scale), seed=0)
    for parameter in built.module.parameters():  # past the start, which is the input itself
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3))
    patch = Patch(top=10 * scale, left=14 * scale, side=8 * scale)
    gained = _edges(built.module, _image(), patch)
    coarse, fine = (
        float(local_attribution(built.module, _image(), patch, steps=steps).sum()) for steps in (3, 60)
    )
    assert fine == pytest.approx(gained, rel=5e-3)
    assert abs(coarse - gained) > abs(fine - gained)


def test_the_steps_of_the_path_go_through_together_or_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_network(NetworkConfig(id="dncnn"), ModelIO(), seed=0).module
    together = local_attribution(model, _image(), PATCH, steps=7)
    monkeypatch.setattr("kdexplorer.attribution.algorithms.local_attribution.PIXELS_AT_ONCE", 1)
    torch.testing.assert_close(
        local_attribution(model, _image(), PATCH, steps=7), together, atol=1e-5, rtol=1e-3
    )


def test_a_flat_patch_has_no_attribution() -> None:
    found = local_attribution(nn.Identity(), torch.full((3, 20, 20), 0.4), Patch(5, 5, 6), steps=4)
    assert bool(found.isfinite().all())
    assert float(found.abs().max()) < 1e-3


def test_no_trace_is_left_in_the_network() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Dropout(0.5)).train()
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.random.get_rng_state()
    image = _image()
    with torch.inference_mode():
        local_attribution(model, image, PATCH, steps=2)
    assert [module.training for module in model] == [True, True, False]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not image.requires_grad
    assert torch.equal(torch.random.get_rng_state(), random)


@pytest.mark.parametrize("patch", [Patch(0, 0, 1), Patch(-1, 0, 4), Patch(30, 0, 4), Patch(0, 37, 4)])
def test_a_patch_outside_is_refused_in_words(patch: Patch) -> None:
    with pytest.raises(ConfigError, match="inside the restored 40 × 32 pixels"):
        local_attribution(nn.Identity(), _image(), patch)
