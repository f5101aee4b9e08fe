"""What a degradation did: fine or coarse, weak or strong, and where."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from kdexplorer.data import DEGRADATIONS
from kdexplorer.distillation import METHODS, Pair, Signals, artifact_attention_loss, attention_transfer_loss
from kdexplorer.distillation.methods.multi_scale import path_weights
from kdexplorer.distillation.residual import artifact_region, kind_and_strength, residual


def degraded(id: str, **params: float) -> tuple[torch.Tensor, torch.Tensor]:
    clean = F.interpolate(torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0)), (48, 48), mode="bicubic").clamp(0, 1)  # fmt: skip
    spec = DEGRADATIONS[id]
    checked = spec.check(params)
    worse = spec.apply(clean, spec.sample(clean.shape, checked, torch.Generator().manual_seed(1)), checked)
    return worse, clean


def test_noise_is_fine_and_haze_is_coarse() -> None:
    fine, strength = kind_and_strength(residual(*degraded("gaussian_noise", sigma=25)))
    assert (fine > 0.9).all()
    assert strength.tolist() == pytest.approx([25] * 4, rel=0.05)
    assert (kind_and_strength(residual(*degraded("haze")))[0] < 0.1).all()
    worse, clean = degraded("bicubic", scale=2)
    assert residual(worse, clean).shape == clean.shape
    nothing = kind_and_strength(torch.zeros(2, 3, 8, 8))
    assert torch.stack(nothing).isfinite().all()


def test_weak_noise_asks_for_early_layers_and_haze_and_heavy_noise_for_late_ones() -> None:
    def shares(fine: float, strength: float) -> list[float]:
        (row,) = path_weights(torch.tensor([fine]), torch.tensor([strength]), 3).tolist()
        assert sum(row) == pytest.approx(1)
        return row

    weak, heavy, haze = shares(1.0, 5.0), shares(1.0, 200.0), shares(0.0, 30.0)
    assert weak[0] > weak[1] > weak[2]
    assert heavy[0] < heavy[1] < heavy[2]
    assert haze[2] > haze[1] > haze[0]
    assert path_weights(torch.tensor([1.0]), torch.tensor([5.0]), 1).tolist() == [[1.0]]


def test_the_method_weighs_each_image_by_its_own_degradation() -> None:
    method = METHODS["multi_scale"]
    shapes = ((4, 8, 8), (4, 8, 8))
    pair = Pair((3, 8, 8), (3, 8, 8), (shapes,) * 3)
    part = method.learnable(pair, method.check({}))
    for projection in part.projections:  # the identity
        torch.nn.init.dirac_(projection.weight)
        torch.nn.init.zeros_(projection.bias)
    clean = torch.rand(2, 3, 8, 8)
    noisy, hazy = clean + 0.02 * torch.randn(clean.shape), clean * 0.4 + 0.5
    same, other = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    early, late = ((other, same), (same, same), (same, same)), ((same, same), (same, same), (other, same))

    def loss(image: torch.Tensor, features: tuple[tuple[torch.Tensor, torch.Tensor], ...]) -> float:
        signals = Signals(clean, clean, features, clean, image)
        return float(method.loss(signals, method.check({}), part).detach())

    assert loss(noisy, early) > loss(hazy, early)
    assert loss(noisy, late) < loss(hazy, late)
    assert 0 < float(part.seen["share of early layers"]) < 1


def test_attention_on_the_artifact_is_blind_elsewhere() -> None:
    damage = torch.zeros(1, 3, 8, 8)
    damage[..., :4] = 0.3
    region = artifact_region(damage, (8, 8))
    assert region.mean().item() == pytest.approx(1)
    assert torch.equal(artifact_region(torch.zeros(1, 3, 8, 8), (4, 4)), torch.ones(1, 4, 4))
    student, teacher = torch.rand(1, 4, 8, 8), torch.rand(1, 6, 8, 8)
    before = artifact_attention_loss(student, teacher, region)
    student[..., 4:] += 1
    assert artifact_attention_loss(student, teacher, region).item() == pytest.approx(before.item())
    assert artifact_attention_loss(student, teacher, torch.ones(1, 8, 8)).item() == pytest.approx(
        attention_transfer_loss(student, teacher).item()
    )
