from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from kdexplorer.metrics import image
from kdexplorer.metrics.image import MAX_PSNR, Channel, psnr, ssim


def pair(channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(4, channels, 12, 15, generator=generator)
    target = torch.nn.functional.interpolate(rough, size=(48, 61), mode="bilinear")
    strength = torch.tensor([0.02, 0.1, 0.3, 0.6]).view(4, 1, 1, 1)
    return target + strength * torch.randn(target.shape, generator=generator), target


def planes(images: torch.Tensor, channel: str, shave: int) -> np.ndarray:
    arrays = images.clamp(0, 1).mul(255).round().permute(0, 2, 3, 1).double().numpy() / 255
    if channel == "y":
        arrays = rgb2ycbcr(arrays)[..., :1] / 255
    height, width = arrays.shape[1:3]
    return arrays[:, shave : height - shave, shave : width - shave]


@pytest.mark.parametrize(("channel", "channels"), [("rgb", 3), ("y", 3), ("gray", 1)])
@pytest.mark.parametrize("shave", [0, 4])
def test_equals_scikit_image(channel: Channel, channels: int, shave: int) -> None:
    output, target = pair(channels)
    x, y = planes(output, channel, shave), planes(target, channel, shave)
    psnr_oracle = [peak_signal_noise_ratio(b, a, data_range=1) for a, b in zip(x, y, strict=True)]
    ssim_oracle = []
    for a, b in zip(x, y, strict=True):
        _, image = structural_similarity(
            a, b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            channel_axis=-1, full=True,
        )  # fmt: skip
        ssim_oracle.append(image[5:-5, 5:-5].mean())
    assert psnr(output, target, channel=channel, shave=shave).tolist() == pytest.approx(psnr_oracle, abs=1e-4)
    assert ssim(output, target, channel=channel, shave=shave).tolist() == pytest.approx(ssim_oracle, abs=1e-6)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_a_batch_equals_its_images_one_by_one(metric) -> None:
    output, target = pair()
    alone = torch.cat([metric(output[i : i + 1], target[i : i + 1], channel="y") for i in range(4)])
    torch.testing.assert_close(metric(output, target, channel="y"), alone, rtol=1e-12, atol=1e-12)


def test_large_images_are_compared_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    target = torch.rand(2, 3, 300, 231, generator=torch.Generator().manual_seed(0))
    output = (target + 0.1 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1))).clamp(
        0, 1
    )
    whole = ssim(output, target, shave=3)
    heights: list[int] = []
    of_band = image._map
    monkeypatch.setattr(image, "BAND", 3 * 225 * 100)
    monkeypatch.setattr(image, "_map", lambda x, y: (heights.append(x.shape[-2]), of_band(x, y))[1])
    assert torch.allclose(ssim(output, target, shave=3), whole, rtol=0, atol=1e-12)
    assert heights == [106, 106, 102] * 2  # bands of 96, 96 and 92 rows of positions


def test_identical_images_are_capped() -> None:
    _, target = pair()
    assert psnr(target, target).tolist() == [MAX_PSNR] * 4
    assert ssim(target, target).tolist() == pytest.approx([1.0] * 4)


def test_outputs_are_clipped_and_rounded_first() -> None:
    target = torch.full((1, 3, 16, 16), 1.0)
    assert psnr(target + 5, target).item() == MAX_PSNR
    assert psnr(target - 0.4 / 255, target).item() == MAX_PSNR


def test_a_gray_image_is_its_own_luma() -> None:
    output, target = pair(1)
    torch.testing.assert_close(psnr(output, target, channel="y"), psnr(output, target, channel="gray"))


def test_what_does_not_fit_is_refused() -> None:
    output, target = pair()
    with pytest.raises(ValueError, match="two equal"):
        psnr(output, target[:2])
    with pytest.raises(ValueError, match="leaves nothing"):
        psnr(output, target, shave=24)
    with pytest.raises(ValueError, match="does not fit"):
        psnr(output, target, channel="gray")
    with pytest.raises(ValueError, match="at least 11"):
        ssim(output[..., :10, :10], target[..., :10, :10])
