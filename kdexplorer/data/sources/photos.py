"""The color photos that ship inside scikit-image and scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.bundled import bundled_file
from kdexplorer.data.image_file import read_image
from kdexplorer.data.photo_pool import NamedPhoto, Photos, PixelPool
from kdexplorer.data.spec import SOURCES, SourceSpec

# The two motorcycles are one scene, so both train. Hubble and retina are soft at full size and would be
# half of all pixels: they come at half size, the retina without its black border.
TRAINING = ("astronaut.png", "rocket.jpg", "motorcycle_left.png", "motorcycle_right.png", "ihc.png",
            "hubble_deep_field.jpg", "retina.jpg", "china.jpg")  # fmt: skip
HELD_OUT = ("chelsea.png", "coffee.png", "flower.jpg")
HALVED = ("hubble_deep_field.jpg", "retina.jpg")
RETINA_BORDER = 200
SKLEARN = ("china.jpg", "flower.jpg")


@lru_cache(maxsize=1)
def training_photos() -> tuple[NamedPhoto, ...]:
    """The training photos on the CPU, decoded once."""
    return tuple((name.split(".")[0], _photo(name)) for name in TRAINING)


@lru_cache(maxsize=1)
def held_out_photos() -> tuple[NamedPhoto, ...]:
    """The held-out photos on the CPU, decoded once; scenes that training never shows."""
    return tuple((name.split(".")[0], _photo(name)) for name in HELD_OUT)


def _photo(name: str) -> Tensor:
    if name in SKLEARN:
        file = bundled_file("sklearn", f"datasets/images/{name}")
    else:
        file = bundled_file("skimage", f"data/{name}")
    photo = read_image(file)
    if name == "retina.jpg":
        photo = photo[:, RETINA_BORDER:-RETINA_BORDER, RETINA_BORDER:-RETINA_BORDER]
    if name in HALVED:
        photo = halved(photo)
    return photo


def halved(photo: Tensor) -> Tensor:
    """A photo at half its size, uint8 [3, H, W] → [3, H / 2, W / 2]."""
    return F.avg_pool2d(photo.float(), 2).round().to(torch.uint8)


@lru_cache(maxsize=1)
def _training_pool() -> PixelPool:
    return PixelPool([photo for _, photo in training_photos()])


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> Photos:
    return Photos(_training_pool(), held_out_photos())


SOURCES.add(
    SourceSpec(
        id="photos",
        title="Bundled photos",
        order=10,
        summary="Color photos from scikit-image and scikit-learn; a cat, a coffee and a flower are held out.",
        tasks=("restoration",),
        load=load,
    )
)
