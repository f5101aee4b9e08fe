"""What a CT scanner makes of slices with metal: beam hardening and photon noise become streaks.

The beam has a few energies, of which metal lets mostly the high ones through, so that the logarithm of what arrives
is no longer the sum of what lies in the way; and behind metal few photons are left to count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from kdexplorer.data.ct_phantom import Phantoms, phantoms
from kdexplorer.data.draws import generator
from kdexplorer.data.tomography import angles, back_project, project

WIDTH = 30.0  # centimetres of a slice
WINDOW = (-300.0, 500.0)  # Hounsfield units that become 0 and 1
# A coarse spectrum of a 120 kV tube: photon energies in keV, and their shares.
ENERGIES, SHARES = (40, 60, 80, 100), (0.15, 0.40, 0.30, 0.15)
MONO = 1  # the energy of the reference, an index
# Linear attenuation per cm at those energies: mass attenuation (NIST XCOM) times density.
ATTENUATION = {
    "water": (0.2683, 0.2059, 0.1837, 0.1707),
    "bone": (1.278, 0.604, 0.428, 0.356),
    "titanium": (10.05, 3.478, 1.840, 1.235),
    "iron": (28.57, 9.488, 4.687, 2.927),
}
LEAST = 1.0  # photons that a ray counts at least: the logarithm of none is not known


@dataclass(frozen=True)
class CtSlices:
    """Slices as a scanner shows them, uint8 [N, 1, S, S] in `WINDOW`.

    Attributes:
        input: with the artifacts of metal.
        target: the same anatomy, scanned without metal at one energy without noise; metal is put in at full white.
        metal: where it lies, bool [N, S, S]: streaks lie around and between.
    """

    input: Tensor
    target: Tensor
    metal: Tensor


@lru_cache(maxsize=4)
def ct_slices(
    first: int,
    count: int,
    side: int,
    *,
    metals: int,
    radius: float,
    material: str,
    photons: float,
    views: int,
) -> CtSlices:
    """Slices number `first` to `first + count`, see `phantoms`; everything drawn depends on the number alone.

    Args:
        photons: that a ray sends; 0 counts without noise.
        views: directions over half a turn.
    """
    bodies = phantoms(first, count, side, metals=metals, radius=radius)
    directions = angles(views)
    clean = reconstruct(_reference(bodies, directions), directions)
    worse = reconstruct(scan(bodies, directions, first, material=material, photons=photons), directions)
    metal = bodies.metal > 0.5
    target = torch.where(metal, 1.0, shown(clean))
    return CtSlices(_bytes(shown(worse)), _bytes(target), metal)


def scan(
    bodies: Phantoms,
    directions: Tensor,
    first: int = 0,
    *,
    material: str,
    photons: float,
    polychromatic: bool = True,
) -> Tensor:
    """What a scanner measures, corrected for water as scanners do: line integrals at `MONO`, [N, S, views]."""
    centimetres = WIDTH / bodies.water.shape[-1]
    stacked = torch.cat((bodies.water, bodies.bone, bodies.metal))
    water, bone, metal = project(stacked, directions).mul(centimetres).chunk(3)
    energies = range(len(ENERGIES)) if polychromatic else (MONO,)
    shares = SHARES if polychromatic else {MONO: 1.0}
    arriving = torch.zeros_like(water)
    for energy in energies:
        mu = {name: values[energy] for name, values in ATTENUATION.items()}
        arriving += shares[energy] * torch.exp(
            -(mu["water"] * water + mu["bone"] * bone + mu[material] * metal)
        )
    if photons:
        arriving = _counted(arriving, photons, first)
    measured = -torch.log(arriving.clamp(min=torch.finfo(arriving.dtype).tiny))
    return _as_water(measured) if polychromatic else measured


def _counted(arriving: Tensor, photons: float, first: int) -> Tensor:
    """Poisson counts, as a share of `photons`; every slice has draws of its own."""
    counts = [
        torch.poisson(rays * photons, generator=generator("cpu", "ct photons", first + index))
        for index, rays in enumerate(arriving)
    ]
    return torch.stack(counts).clamp(min=LEAST) / photons


def _as_water(measured: Tensor) -> Tensor:
    """The line integral at `MONO` of the water that would dim the beam as much."""
    mu = torch.tensor(ATTENUATION["water"], dtype=measured.dtype)
    depth = torch.linspace(0, 400, 4001, dtype=measured.dtype)  # cm; far beyond a body, for what metal dims
    dimmed = -torch.logsumexp(
        torch.log(torch.tensor(SHARES, dtype=measured.dtype)) - depth[:, None] * mu, dim=1
    )
    above = torch.searchsorted(dimmed, measured.contiguous()).clamp(1, len(depth) - 1)
    share = (measured - dimmed[above - 1]) / (dimmed[above] - dimmed[above - 1])
    return torch.lerp(depth[above - 1], depth[above], share) * mu[MONO]


def _reference(bodies: Phantoms, directions: Tensor) -> Tensor:
    """Line integrals of the slice without metal, at one energy and without noise."""
    centimetres = WIDTH / bodies.water.shape[-1]
    mu = bodies.water_before * ATTENUATION["water"][MONO] + bodies.bone_before * ATTENUATION["bone"][MONO]
    return project(mu, directions) * centimetres


def reconstruct(integrals: Tensor, directions: Tensor) -> Tensor:
    """Attenuation per cm, [N, S, S]."""
    return back_project(integrals, directions) / (WIDTH / integrals.shape[1])


def shown(attenuation: Tensor) -> Tensor:
    """In `WINDOW`, from 0 to 1."""
    water = ATTENUATION["water"][MONO]
    hounsfield = 1000 * (attenuation - water) / water
    low, high = WINDOW
    return ((hounsfield - low) / (high - low)).clamp(0, 1)


def _bytes(images: Tensor) -> Tensor:
    return images.mul(255).round().to(torch.uint8).unsqueeze(1)
