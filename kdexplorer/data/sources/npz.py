"""Labelled images in two NumPy archives."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kdexplorer.data.arrays import MAX_BYTES, ArrayData, array_data
from kdexplorer.data.image_file import folder_of
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.params import ConfigError, Param


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> ArrayData:
    """`train.npz` and `test.npz`: `images` uint8 [N, H, W, C] or [N, H, W], `labels`, and maybe `classes`."""
    folder = folder_of(params["path"], "train.npz and test.npz")
    training, names = _read(folder / "train.npz")
    test, _ = _read(folder / "test.npz")
    if not names:
        names = tuple(map(str, range(int(max(training[1].max(), test[1].max())) + 1)))
    return array_data(training, test, names, excluded)


def _read(file: Path) -> tuple[tuple[Tensor, Tensor], tuple[str, ...]]:
    if not file.is_file():
        raise ConfigError(f"The folder holds no {file.name}: it needs train.npz and test.npz.")
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise ConfigError(f"{file.name} holds more than {MAX_BYTES / 1e9:.1f} GB: take fewer images.")
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("images", "labels", "classes") if name in archive}
    except ConfigError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        raise ConfigError(f"{file.name} cannot be read as plain NumPy arrays ({error}).") from None
    images, labels = arrays.get("images"), arrays.get("labels")
    if images is None or labels is None:
        raise ConfigError(f"{file.name} needs the arrays 'images' and 'labels'.")
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.size == 0:
        raise ConfigError(
            f"{file.name}: 'images' must be uint8 [N, H, W, C] or [N, H, W], not {images.dtype} {images.shape}."
        )
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ConfigError(f"{file.name}: 'labels' must be one whole number an image.")
    if images.ndim == 3:
        images = images[..., None]
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    names = tuple(str(name)[:80] for name in np.ravel(arrays.get("classes", ())))
    return (pixels, torch.from_numpy(labels.astype(np.int64))), names


SOURCES.add(
    SourceSpec(
        id="npz",
        title="NumPy archives",
        summary="A folder with train.npz and test.npz, each with `images` and `labels`.",
        tasks=("classification",),
        params=(
            Param(name="path", title="Folder", default="", help="Folder that holds train.npz and test.npz."),
        ),
        load=load,
        reads_paths=True,
    )
)
