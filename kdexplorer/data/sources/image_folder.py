"""A folder with a subfolder of images for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.arrays import MAX_BYTES, ArrayData, array_data
from kdexplorer.data.image_file import folder_of, image_files, read_image
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.params import ConfigError, Param

TEST_FOLDERS = ("test", "val", "valid", "validation")
MIN_SIDE = 8
Files = list[tuple[Path, int]]  # an image and its class


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> ArrayData:
    """`train` beside `test` or `val` if they exist; else every fifth file of each class is held out."""
    root = folder_of(params["path"], "images, with a subfolder for each class")
    test_folder = next((root / name for name in TEST_FOLDERS if (root / name).is_dir()), None)
    if (root / "train").is_dir() and test_folder is not None:
        classes = _classes(root / "train")
        training, test = _files(root / "train", classes), _files(test_folder, classes)
    else:
        classes = _classes(root)
        every = [_files(root, (name,), index) for index, name in enumerate(classes)]
        training = [file for files in every for i, file in enumerate(files) if i % 5 or len(files) == 1]
        test = [file for files in every for file in files[::5] if len(files) > 1]
    if not training or not test:
        raise ConfigError("Too few images: each class needs at least two, one of them to test on.")
    size = int(params["size"])
    bytes_needed = (len(training) + len(test)) * 3 * size * size
    if bytes_needed > MAX_BYTES:
        raise ConfigError(
            f"{len(training) + len(test):,} images of {size} × {size} pixels take {bytes_needed / 1e9:.1f} GB; "
            f"at most {MAX_BYTES / 1e9:.1f} GB fit: take a smaller size or fewer images."
        )
    return array_data(_read(training, size), _read(test, size), classes, excluded)


def _classes(folder: Path) -> tuple[str, ...]:
    names = tuple(
        sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    )
    if len(names) < 2:
        raise ConfigError(
            f"{folder.name!r} needs a subfolder of images for each class, and at least two classes."
        )
    return names


def _files(folder: Path, classes: Sequence[str], first: int = 0) -> Files:
    return [
        (file, first + index)
        for index, name in enumerate(classes)
        if (folder / name).is_dir()
        for file in image_files(folder / name)
    ]


def _read(files: Files, size: int) -> tuple[Tensor, Tensor]:
    images = torch.empty(len(files), 3, size, size, dtype=torch.uint8)
    for row, (file, _) in zip(images, files, strict=True):
        row.copy_(_square(read_image(file, min_side=MIN_SIDE), size))
    return images, torch.tensor([index for _, index in files])


def _square(image: Tensor, size: int) -> Tensor:
    """Resize the shorter side to `size` and cut the middle out."""
    height, width = image.shape[1:]
    shorter = min(height, width)
    shape = (max(size, round(height * size / shorter)), max(size, round(width * size / shorter)))
    resized = F.interpolate(image[None].float(), size=shape, mode="bilinear", antialias=True)[0]
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return resized[:, top : top + size, left : left + size].round()


SOURCES.add(
    SourceSpec(
        id="image_folder",
        title="Folder of classes",
        summary="Your own images, a subfolder for each class; `train` and `test` are used where they exist.",
        tasks=("classification",),
        params=(
            Param(name="path", title="Folder", default="", help="Folder that holds the classes."),
            Param(
                name="size", default=64, minimum=8, maximum=384, unit="px",
                help="Images are resized to this side and cut to a square.",
            ),
        ),
        load=load,
        reads_paths=True,
    )
)  # fmt: skip
