"""Images that the person uploaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kdexplorer.data.image_file import image_files
from kdexplorer.data.photo_pool import Photos, split_photos
from kdexplorer.data.sources.photo_folder import FEW, read_photos
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.home import upload_path
from kdexplorer.params import ConfigError, Param


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Photos:
    """Every fifth image is held out; of a single image its right third."""
    photos = read_photos(file for upload in upload_ids(params["ids"]) for file in uploaded_files(upload))
    if not photos:
        raise ConfigError("Upload at least one image.")
    return split_photos(photos)


def upload_ids(text: str) -> list[str]:
    """What stands between the commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def uploaded_files(upload: str) -> Iterator[Path]:
    path = upload_path(upload)
    if not path.exists():
        raise ConfigError("An uploaded image is no longer here: upload it again.")
    if path.is_dir():
        yield from image_files(path)
    else:
        yield path


SOURCES.add(
    SourceSpec(
        id="uploads",
        title="Uploaded images",
        summary="Your uploads; every fifth image is held out, or the right third of a single one.",
        tasks=("restoration",),
        params=(
            Param(name="ids", title="Uploads", default="", help="Ids of the uploads, with commas between."),
        ),
        load=load,
        few=lambda params: {**params, "ids": ",".join(upload_ids(params["ids"])[:FEW])},
    )
)
