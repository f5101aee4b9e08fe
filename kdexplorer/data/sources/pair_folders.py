"""Two folders of the person's own: clean images, and what they look like degraded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdexplorer.data.image_file import folder_of, image_files
from kdexplorer.data.pair_pool import NamedPair, Pairs, listed, pair_data
from kdexplorer.data.sources.photo_folder import FEW, read_photos
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.home import shown_stem
from kdexplorer.params import ConfigError, Param

SCALE = Param(
    name="scale",
    title="Scale",
    default=1,
    choices=(1, 2, 3, 4),
    unit="×",
    help="By how much the clean images are larger than the degraded: 1 where sizes are the same.",
)


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Pairs:
    pairs = _read(params, "clean_path", "degraded_path")
    apart = params["held_out_clean_path"].strip() or params["held_out_degraded_path"].strip()
    held_out = _read(params, "held_out_clean_path", "held_out_degraded_path") if apart else None
    return pair_data(pairs, params["scale"], held_out)


def _read(params: Mapping[str, Any], clean: str, degraded: str) -> list[NamedPair]:
    held_out = "held-out " if clean.startswith("held_out") else ""
    files = matched(
        _by_stem(params[clean], f"{held_out}clean images"),
        _by_stem(params[degraded], f"{held_out}degraded images"),
    )[: params["limit"]]
    return read_pairs(files)


def _by_stem(path: str, what: str) -> dict[str, Path]:
    files = list(image_files(folder_of(path, what)))
    if not files:
        raise ConfigError(f"There is no PNG, JPEG, BMP, WebP or TIFF image in {path!r}.")
    stems = [file.stem for file in files]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise ConfigError(f"{path!r} holds more than one image of the same name: {listed(twice)}.")
    return dict(zip(stems, files, strict=True))


def matched(clean: Mapping[str, Path], degraded: Mapping[str, Path]) -> list[tuple[Path, Path]]:
    """(degraded, clean) files of the same name, in order.

    Raises:
        ConfigError: names those without a partner.
    """
    for which, these, others in (("degraded", clean, degraded), ("clean", degraded, clean)):
        if alone := [shown_stem(file) for name, file in these.items() if name not in others]:
            raise ConfigError(f"There is no {which} image of the same name for {listed(alone)}.")
    return [(degraded[name], clean[name]) for name in clean]


def read_pairs(files: Sequence[tuple[Path, Path]]) -> list[NamedPair]:
    """Decode (degraded, clean) files.

    Raises:
        ConfigError: one cannot be read, or together they are too large.
    """
    photos = read_photos(file for pair in files for file in pair)
    worse, clean = photos[::2], photos[1::2]
    return [(name, image, partner) for (_, image), (name, partner) in zip(worse, clean, strict=True)]


def _path(name: str, title: str, help: str, *, advanced: bool = False) -> Param:
    return Param(name=name, title=title, default="", help=help, advanced=advanced)


SOURCES.add(
    SourceSpec(
        id="pair_folders",
        title="Pairs of folders",
        order=55,
        summary="Your own clean and degraded images, matched by name; every fifth pair is held out.",
        tasks=("restoration",),
        params=(
            _path("clean_path", "Clean folder", "Folder of the clean images: what the student shall give."),
            _path("degraded_path", "Degraded folder", "Folder of the inputs, named as their clean images."),
            SCALE,
            _path(
                "held_out_clean_path", "Held-out clean folder", advanced=True,
                help="Clean images to test on; left empty, every fifth pair is held out.",
            ),
            _path(
                "held_out_degraded_path", "Held-out degraded folder", advanced=True,
                help="Their degraded images.",
            ),
            Param(
                name="limit", default=200, minimum=1, maximum=5000, advanced=True,
                help="At most this many pairs, by name.",
            ),
        ),
        load=load,
        reads_paths=True,
        paired=True,
        form=lambda params: (3, int(params["scale"])),
        few=lambda params: {**params, "limit": min(FEW, params["limit"])},
    )
)  # fmt: skip
