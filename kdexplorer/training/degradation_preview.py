"""What a run's degradations make of an image, before anything is trained."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from kdexplorer.config import DataConfig
from kdexplorer.data import DEGRADATIONS, SOURCES
from kdexplorer.data.draws import generator
from kdexplorer.data.gray import in_channels
from kdexplorer.data.pipeline import channels_and_scale, degrade, scale_of
from kdexplorer.params import ConfigError
from kdexplorer.tasks.kinds.restoration import PREVIEW_CROP
from kdexplorer.tasks.picture import data_uri

IMAGES = 24  # held-out crops to go through
Crop = tuple[str, list[Tensor]]  # its name; a photo, or a pair's degraded and clean image
MIN_SIDE = 8  # of what a degradation leaves


class DegradationPreview:
    """Degrades held-out crops; keeps those of the source that was asked for last."""

    def __init__(self) -> None:
        self._kept: tuple[str, list[Crop]] = ("", [])

    def show(self, data: DataConfig, draw: int) -> dict[str, Any]:
        """The `draw`-th held-out crop, clean and degraded, or as its pair was given; `draw` is also the seed.

        Returns:
            {name, clean, degraded: data URIs, clean_size, degraded_size: [width, height]}

        Raises:
            ConfigError: the source cannot be read, or a degradation fails; says which, and why.
        """
        crops = self._crops(data)
        name, images = crops[draw % len(crops)]
        channels, _ = channels_and_scale(data)
        if len(images) == 2:
            worse, clean = (in_channels(image.float().div(255)[None], channels)[0] for image in images)
            return _shown(name, clean, worse)
        [photo] = images
        scale = scale_of(data.degradations)
        height, width = (side - side % scale for side in photo.shape[-2:])
        if min(height, width) < MIN_SIDE * scale:
            raise ConfigError(f"Together the degradations shrink the image {scale}×: leave one of them out.")
        clean = in_channels(photo[:, :height, :width].float().div(255).unsqueeze(0), channels)
        worse = _degraded(clean, data, generator("cpu", "degradation preview", draw))
        return _shown(name, clean[0], worse[0])

    def _crops(self, data: DataConfig) -> list[Crop]:
        source = SOURCES[data.source.id]
        params = source.few(source.check(data.source.params))
        asked = json.dumps([data.source.id, params], sort_keys=True)
        if self._kept[0] != asked or source.reads_paths:  # a folder's images may change
            crops = source.load(params, ()).held_out(IMAGES, PREVIEW_CROP)
            if not crops:
                raise ConfigError("The source has no held-out image: add images, or choose another source.")
            self._kept = asked, [(name, [image.clone() for image in images]) for name, *images in crops]
        return self._kept[1]


def _shown(name: str, clean: Tensor, worse: Tensor) -> dict[str, Any]:
    return {
        "name": name,
        "clean": data_uri(clean),
        "degraded": data_uri(worse),
        "clean_size": list(clean.shape[:-3:-1]),
        "degraded_size": list(worse.shape[:-3:-1]),
    }


def _degraded(clean: Tensor, data: DataConfig, draws: torch.Generator) -> Tensor:
    """`clean` [1, C, H, W] after all degradations in order, one at a time, so that the one that fails has a name."""
    worse = clean
    for chosen in data.degradations:
        try:
            worse = degrade(worse, [chosen], draws)
        except ConfigError:
            raise
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(f"{DEGRADATIONS[chosen.id].title} fails on this image: {reason}") from None
    return worse
