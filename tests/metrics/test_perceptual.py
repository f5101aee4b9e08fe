"""LPIPS with a stand-in for AlexNet's file, and the score without a reference."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kdexplorer.metrics.perceptual import ALEXNET, blur_effect, lpips, lpips_problem


@pytest.fixture
def alexnet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights where torchvision would have downloaded trained ones."""
    import torchvision

    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.AlexNet().state_dict(), folder / ALEXNET)
    # its published file is checked by the digest in its name, which random weights have not
    return folder / ALEXNET


def test_without_its_weights_it_says_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    problem = lpips_problem()
    assert problem is not None
    assert ALEXNET in problem
    assert str(tmp_path / "checkpoints") in problem


def test_lpips_is_zero_for_the_same_image_and_grows_with_damage(alexnet: Path) -> None:
    assert lpips_problem() is None
    measure = lpips()
    image = torch.rand(1, 3, 64, 72, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    assert measure(image, image) == pytest.approx(0, abs=1e-7)
    slight, heavy = (measure(image + strength * noise, image) for strength in (0.02, 0.3))
    assert 0 < slight < heavy
    assert measure(image[:, :1], image[:, :1]) == pytest.approx(0, abs=1e-7)
    assert measure(image[..., :16, :], image[..., :16, :]) is None  # too narrow for the network


def test_the_blur_effect_needs_no_reference() -> None:
    from kdexplorer.data.sources.photos import held_out_photos

    image = held_out_photos()[0][1][None, :, :128, :128].float() / 255
    blurred = torch.nn.functional.avg_pool2d(image, 7, 1, 3, count_include_pad=False)
    assert 0 < blur_effect(image) < blur_effect(blurred) < 1
    assert 0 < blur_effect(image[:, :1]) < 1
