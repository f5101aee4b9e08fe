"""A folder of the person's own photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from kdexplorer.data.image_file import folder_of, image_files, read_image
from kdexplorer.data.photo_pool import NamedPhoto, Photos, PixelPool, split_photos
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.home import shown_stem
from kdexplorer.params import ConfigError, Param

FEW = 6
MAX_PIXELS = 400_000_000  # of all photos together: 1.2 GB


def read_photos(files: Iterable[Path]) -> list[NamedPhoto]:
    """Decode the files.

    Raises:
        ConfigError: one cannot be read, or together they are too large.
    """
    photos: list[NamedPhoto] = []
    total = 0
    for file in files:
        photo = read_image(file)
        total += photo.shape[1] * photo.shape[2]
        if total > MAX_PIXELS:
            raise ConfigError(f"The photos hold more than {MAX_PIXELS // 10**6} million pixels: take fewer.")
        photos.append((shown_stem(file)[:40], photo))
    return photos


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Photos:
    photos = _read(params["path"], "training photos", params["limit"])
    if not params["held_out_path"].strip():
        return split_photos(photos)
    held_out = _read(params["held_out_path"], "held-out photos", params["limit"])
    return Photos(PixelPool([photo for _, photo in photos]), held_out)


def _read(path: str, what: str, limit: int) -> list[NamedPhoto]:
    photos = read_photos(islice(image_files(folder_of(path, what)), limit))
    if not photos:
        raise ConfigError(f"There is no PNG, JPEG, BMP, WebP or TIFF image in {path!r}.")
    return photos


SOURCES.add(
    SourceSpec(
        id="photo_folder",
        title="Folder of photos",
        summary="Your own photos; every fifth is held out, or those in a second folder.",
        tasks=("restoration",),
        params=(
            Param(name="path", title="Folder", default="", help="Folder of the photos to train on."),
            Param(
                name="held_out_path",
                title="Held-out folder",
                default="",
                advanced=True,
                help="Folder of the photos to test on; left empty, every fifth photo is held out.",
            ),
            Param(
                name="limit", default=200, minimum=1, maximum=5000, advanced=True,
                help="At most this many photos of each folder, by name.",
            ),
        ),
        load=load,
        reads_paths=True,
        few=lambda params: {**params, "limit": min(FEW, params["limit"])},
    )
)  # fmt: skip
