"""CT with metal: without it there is no artifact, with it streaks between the inserts, and photons count."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon

from kdexplorer.data import SOURCES
from kdexplorer.data.ct_phantom import Phantoms, phantoms
from kdexplorer.data.ct_slices import (
    ATTENUATION,
    MONO,
    WIDTH,
    CtSlices,
    ct_slices,
    reconstruct,
    scan,
    shown,
)
from kdexplorer.data.draws import seed_of
from kdexplorer.data.sources.ct_metal import HELD_OUT, slices
from kdexplorer.data.tomography import angles

VIEWS = angles(90)
SMALL = {"side": 64, "slices": 4, "views": 60}


def reconstructed(bodies: Phantoms, **settings: object) -> torch.Tensor:
    asked = {"material": "titanium", "photons": 0.0, **settings}
    return reconstruct(scan(bodies, VIEWS, **asked), VIEWS)  # type: ignore[arg-type]


def two_inserts(side: int = 96) -> Phantoms:
    """A disc of water with two discs of metal, left and right of its middle."""
    line = torch.arange(side).float() - side // 2
    down, right = torch.meshgrid(line, line, indexing="ij")
    water = (torch.hypot(down, right) < 0.42 * side).float()
    metal = ((right.abs() - side // 5).square() + down.square() < (side // 24) ** 2).float()
    bone = torch.zeros_like(water)
    parts = (water * (1 - metal), bone, metal, water, bone)
    return Phantoms(*(part.unsqueeze(0) for part in parts))


def test_without_metal_photons_and_energies_it_is_iradon_of_radon() -> None:
    bodies = phantoms(0, 3, 64, metals=0, radius=3.0)
    assert float(bodies.metal.sum()) == 0
    found = reconstructed(bodies, polychromatic=False)
    degrees, centimetres = np.rad2deg(VIEWS.numpy()), WIDTH / 64
    for image, water, bone in zip(found, bodies.water, bodies.bone, strict=True):
        mu = water * ATTENUATION["water"][MONO] + bone * ATTENUATION["bone"][MONO]
        expected = iradon(radon(mu.double().numpy(), degrees) * centimetres, degrees) / centimetres
        np.testing.assert_allclose(image.numpy(), expected, atol=2e-4)


def test_a_reconstruction_is_calibrated_in_hounsfield_units() -> None:
    """Water is 0 HU also through a beam of many energies: it is corrected for."""
    bodies = two_inserts()
    plain = Phantoms(bodies.water_before, bodies.bone, bodies.metal * 0, bodies.water_before, bodies.bone)
    water = ATTENUATION["water"][MONO]
    for polychromatic in (False, True):
        image = reconstructed(plain, polychromatic=polychromatic)[0]
        middle = image[36:60, 36:60].mean()
        assert 1000 * float(middle / water - 1) == pytest.approx(0, abs=10)
    assert float(shown(torch.tensor(water))) == pytest.approx(300 / 800)


@pytest.mark.parametrize("material", ["titanium", "iron"])
def test_streaks_lie_between_the_metals(material: str) -> None:
    """Rays through both see hardened beams: a dark band joins the inserts, and none lies beside them."""
    bodies = two_inserts()
    error = (
        reconstructed(bodies, material=material)[0]
        - reconstructed(bodies, polychromatic=False, material=material)[0]
    )
    between, above = error[46:51, 40:57].mean(), error[20:25, 40:57].mean()
    assert float(between) < -0.03
    assert abs(float(above)) < 0.3 * abs(float(between))


def test_iron_makes_stronger_streaks_than_titanium_and_no_metal_none() -> None:
    def error(bodies: Phantoms, material: str) -> float:
        made = reconstructed(bodies, material=material) - reconstructed(
            bodies, material=material, polychromatic=False
        )
        return float(made[0, 46:51, 40:57].abs().mean())

    bodies = two_inserts()
    none = Phantoms(bodies.water_before, bodies.bone, bodies.metal * 0, bodies.water_before, bodies.bone)
    assert error(bodies, "iron") > 1.5 * error(bodies, "titanium") > 15 * error(none, "titanium")


def test_more_photons_make_less_noise() -> None:
    bodies = two_inserts()
    silent = reconstructed(bodies)
    noise = [
        float((reconstructed(bodies, photons=10.0**power) - silent)[0, 30:66, 30:66].std())
        for power in (4, 5, 6, 7)
    ]
    assert all(more > 2 * less for more, less in pairwise(noise))
    air = Phantoms(*(torch.zeros(1, 64, 64) for _ in range(5)))
    measured = scan(air, VIEWS, material="iron", photons=1e4, polychromatic=False)
    assert float(measured.std()) == pytest.approx(1e-2, rel=0.1)  # Poisson: 1 / √N


def made(**changes: object) -> CtSlices:
    settings = {"metals": 2, "radius": 4.0, "material": "titanium", "photons": 1e5, "views": 60, **changes}
    return ct_slices(5, 2, 64, **settings)  # type: ignore[arg-type]


def test_slices_are_what_they_say_and_keep_where_the_metal_lies() -> None:
    found, without = made(), made(metals=0)
    assert found.input.shape == found.target.shape == (2, 1, 64, 64)
    assert found.input.dtype == torch.uint8
    assert int(found.metal.sum()) > 10
    assert (found.target[:, 0][found.metal] == 255).all()
    assert not without.metal.any()
    # The anatomy is the same: away from the metal the targets agree.
    assert torch.equal(found.target[:, 0][~found.metal], without.target[:, 0][~found.metal])
    worse, better = ((each.input.float() - each.target.float()).square().mean() for each in (found, without))
    assert worse > 2 * better


def test_a_slice_is_a_function_of_its_number() -> None:
    state = torch.get_rng_state()
    ct_slices.cache_clear()
    first = made()
    ct_slices.cache_clear()
    assert torch.equal(made().input, first.input)
    assert torch.equal(torch.get_rng_state(), state)
    alone = ct_slices(6, 1, 64, metals=2, radius=4.0, material="titanium", photons=1e5, views=60)
    assert torch.equal(alone.input[0], first.input[1])
    assert seed_of("ct phantom", 5) != seed_of("ct photons", 5)


def test_the_source_gives_pairs_of_one_channel() -> None:
    spec = SOURCES["ct_metal"]
    params = spec.check(SMALL)
    data = spec.load(params, ())
    assert spec.form(params) == (data.channels, data.scale) == (1, 1)
    worse, clean = data.draw(3, 32, torch.Generator().manual_seed(0))
    assert worse.shape == clean.shape == (3, 1, 32, 32)
    held_out = data.held_out(100, 0)
    assert len(held_out) == HELD_OUT
    assert torch.equal(held_out[3][1], slices(params, held_out=True).input[3])
    fewer = spec.load(spec.few(params), ()).held_out(100, 0)
    assert torch.equal(fewer[3][1], held_out[3][1])
