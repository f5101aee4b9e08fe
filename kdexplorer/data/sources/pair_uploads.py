"""Uploaded pairs: clean images, and what they look like degraded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdexplorer.data.pair_pool import Pairs, listed, pair_data
from kdexplorer.data.sources.pair_folders import SCALE, matched, read_pairs
from kdexplorer.data.sources.photo_folder import FEW
from kdexplorer.data.sources.uploads import upload_ids, uploaded_files
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.home import shown_stem
from kdexplorer.params import ConfigError, Param

MAX_IDS = 6000  # characters: some 130 uploads


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Pairs:
    """Every fifth pair is held out; of a single one its right third."""
    clean, degraded = (_by_name(params[f"{side}_ids"], side) for side in ("clean", "degraded"))
    return pair_data(read_pairs(matched(clean, degraded)[: params["limit"]]), params["scale"])


def _by_name(ids: str, side: str) -> dict[str, Path]:
    files = [file for upload in upload_ids(ids) for file in uploaded_files(upload)]
    if not files:
        raise ConfigError(f"Upload at least one {side} image.")
    names = [file.stem.partition("-")[2] for file in files]
    if twice := sorted(
        {shown_stem(f) for name, f in zip(names, files, strict=True) if names.count(name) > 1}
    ):
        raise ConfigError(f"More than one {side} image of the same name was uploaded: {listed(twice)}.")
    return dict(zip(names, files, strict=True))


def _ids(side: str) -> Param:
    return Param(
        name=f"{side}_ids",
        title=f"{side.capitalize()} images",
        default="",
        maximum=MAX_IDS,
        help="Ids of the uploads, with commas between; what follows the first - in an id is the image's name.",
    )


SOURCES.add(
    SourceSpec(
        id="pair_uploads",
        title="Uploaded pairs",
        order=56,
        summary="Clean and degraded images of the same names; every fifth pair is held out.",
        tasks=("restoration",),
        params=(
            _ids("clean"),
            _ids("degraded"),
            SCALE,
            Param(
                name="limit", default=200, minimum=1, maximum=5000, advanced=True,
                help="At most this many pairs, by name.",
            ),
        ),
        load=load,
        paired=True,
        form=lambda params: (3, int(params["scale"])),
        few=lambda params: {**params, "limit": min(FEW, params["limit"])},
    )
)  # fmt: skip
