"""Slices of computed tomography with metal: procedural phantoms, scanned by what physics there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer.data.ct_slices import CtSlices, ct_slices
from kdexplorer.data.pair_pool import NamedPair, Pairs, pair_data
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.params import ConfigError, Param

HELD_OUT = 12  # slices, the first ones: training never sees them, whatever its number
MOST = 450_000_000  # slices × angles × pixels: about a minute on one core
FEW = 1  # training slices, where only the held-out ones are looked at


def slices(params: Mapping[str, Any], *, held_out: bool) -> CtSlices:
    """Training or held-out slices of checked params, with where their metal lies."""
    return ct_slices(
        0 if held_out else HELD_OUT,
        HELD_OUT if held_out else int(params["slices"]),
        int(params["side"]),
        metals=int(params["metals"]),
        radius=float(params["radius"]),
        material=str(params["material"]),
        photons=1000 * float(params["photons"]),
        views=int(params["views"]),
    )


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Pairs:
    work = int(params["slices"]) * int(params["views"]) * int(params["side"]) ** 2
    if work > MOST:
        raise ConfigError(
            f"data.source: slices × angles × pixels would take minutes to make ({work / MOST:.1f} times too many): "
            "lower Training slices, Angles or Slice."
        )
    return pair_data(
        _named(slices(params, held_out=False)), scale=1, held_out=_named(slices(params, held_out=True))
    )


def _named(made: CtSlices) -> list[NamedPair]:
    both = zip(made.input, made.target, strict=True)
    return [(f"slice {index + 1}", worse, clean) for index, (worse, clean) in enumerate(both)]


SOURCES.add(
    SourceSpec(
        id="ct_metal",
        title="CT phantoms with metal",
        order=12,
        summary="Gray slices from −300 to 500 HU: metal hardens the beam and leaves few photons, which makes streaks.",
        tasks=("restoration",),
        params=(
            Param(
                name="metals", title="Inserts", default=2, minimum=0, maximum=6,
                help="Pieces of metal in every slice; in bones first.",
            ),
            Param(
                name="radius", title="Insert radius", default=3.5, minimum=0.5, maximum=8.0, unit="%",
                help="Of the largest, in hundredths of the slice's width of 30 cm; the smallest have half of it.",
            ),
            Param(
                name="material", title="Metal", default="titanium", choices=("titanium", "iron"),
                help="Iron dims the beam almost three times as much as titanium.",
            ),
            Param(
                name="photons", title="Photons", default=200.0, minimum=0, maximum=10_000, unit="thousand", log=True,
                help="That each ray sends: the fewer, the noisier, behind metal most of all; 0 counts without noise.",
            ),
            Param(
                name="views", title="Angles", default=120, minimum=12, maximum=360, advanced=True,
                help="Projections over half a turn; too few make streaks of their own.",
            ),
            Param(
                name="slices", title="Training slices", default=96, minimum=1, maximum=500, advanced=True,
                help="Made when the run begins; 12 others are held out.",
            ),
            Param(
                name="side", title="Slice", default=96, choices=(64, 96, 128), unit="px", advanced=True,
                help="Side of the square slices.",
            ),
        ),
        load=load,
        paired=True,
        form=lambda params: (1, 1),
        few=lambda params: {**params, "slices": FEW},
        less_training=lambda params: {**params, "slices": FEW},
    )
)  # fmt: skip
