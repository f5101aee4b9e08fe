"""Projection and back-projection against scikit-image, and against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon
from torch import Tensor

from kdexplorer.data.tomography import angles, back_project, project


def discs(count: int, side: int) -> Tensor:
    """Random discs inside the circle, float64 [count, S, S]."""
    draws = torch.Generator().manual_seed(0)
    line = torch.arange(side, dtype=torch.float64) - side // 2
    down, right = torch.meshgrid(line, line, indexing="ij")
    images = torch.zeros(count, side, side, dtype=torch.float64)
    for image in images:
        for y, x, radius in (torch.rand(5, 3, generator=draws) * side / 6).tolist():
            image += (torch.hypot(down - y, right - x) < radius).double()
    return images


@pytest.mark.parametrize("side", [64, 65])
@pytest.mark.parametrize("count", [30, 45])
def test_both_are_those_of_scikit_image(side: int, count: int) -> None:
    images, directions = discs(3, side), angles(count)
    degrees = np.rad2deg(directions.numpy())
    sinograms = project(images, directions)
    expected = np.stack([radon(image, degrees) for image in images.numpy()])
    assert sinograms.shape == (3, side, count)
    np.testing.assert_allclose(sinograms.numpy(), expected, atol=1e-9)
    again = np.stack([iradon(sinogram, degrees) for sinogram in expected])
    np.testing.assert_allclose(back_project(sinograms, directions).numpy(), again, atol=1e-12)


def test_single_precision_is_close_enough() -> None:
    images, directions = discs(2, 96), angles(120)
    exact = back_project(project(images, directions), directions)
    single = back_project(project(images.float(), directions), directions)
    assert single.dtype == torch.float32
    assert float((single - exact).abs().max()) < 1e-3


def test_every_direction_sees_the_same_mass_and_the_image_comes_back() -> None:
    images, directions = discs(2, 96), angles(150)
    sinograms = project(images, directions)
    mass = images.sum(dim=(1, 2))
    assert torch.allclose(sinograms.sum(dim=1), mass[:, None].expand(2, 150), rtol=0.02)
    error = (back_project(sinograms, directions) - images).abs().mean()
    assert float(error) < 0.06 * float(images.max())
