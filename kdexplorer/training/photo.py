"""A photo of the person's own, seen by all networks of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.data.draws import generator
from kdexplorer.data.gray import in_channels
from kdexplorer.data.image_file import read_image
from kdexplorer.data.pipeline import degrade
from kdexplorer.data.resize import bicubic_upsample, mod_crop
from kdexplorer.metrics.image import psnr, ssim
from kdexplorer.params import ConfigError
from kdexplorer.tasks import Task
from kdexplorer.tasks.kinds.classification import Classification
from kdexplorer.tasks.kinds.restoration import Restoration
from kdexplorer.tasks.picture import data_uri, middle
from kdexplorer.tasks.tiles import apart_words
from kdexplorer.training.attributions import Named
from kdexplorer.training.restoring import restore

MAX_PIXELS = 600_000  # of a shown panel
VIEWS_COST = 4  # eight views take eight times as long: a quarter of the pixels keeps that to twice
MIN_SIDE = 24  # of the input; networks fold and shave some of it

SHRUNK = "The photo was made smaller before it was degraded."
CUT = "The photo is larger than what is shown here: its middle was taken."
SQUARE = "The middle square of the photo was taken, at the size that the networks know."
GIVEN = "This run's degraded images were given, so no photo can be degraded alike: it was taken as it is."
GRAY = "The photo was taken in gray: the networks know one channel."
ENSEMBLE = "Self-ensemble: each network's picture is the mean over the eight flips and turns of the photo."
UNKNOWN = "What the photo should look like is not known, so there is no PSNR."


def see_photo(
    task: Task,
    networks: Sequence[Named],
    file: Path,
    *,
    degraded: bool,
    seed: int,
    max_pixels: int = MAX_PIXELS,
    ensemble: bool = False,
) -> dict[str, Any]:
    """What all networks make of the image in `file`.

    Args:
        degraded: worsen it as the run's data is, so that the target is known; else, and where the run's data are
            given pairs, it is taken as it is.
        seed: of the degradation.
        max_pixels: of a panel; larger photos are shrunk, or cut where they are taken as they are.
        ensemble: average each network over eight views of the photo, of a quarter as many pixels at most.

    Returns:
        {name, size: [width, height] of the input, panels: [{role, name, image, metrics?, predictions?}], notes,
        convention?}; `predictions` are [{class, share}], the likeliest first.

    Raises:
        ConfigError: no image that can be read, or too small a one; an ensemble for a task that restores nothing.
    """
    photo = read_image(file).float().div(255).unsqueeze(0)
    if isinstance(task, Restoration):
        most = max_pixels // VIEWS_COST if ensemble else max_pixels
        return _restored(
            task, networks, photo, degraded=degraded, seed=seed, max_pixels=most, ensemble=ensemble
        )
    if ensemble:
        raise ConfigError("ensemble: only restored photos can be averaged over eight views.")
    if isinstance(task, Classification):
        return _classified(task, networks, photo)
    raise ConfigError("This task has nothing to do with photos.")


def _restored(
    task: Restoration,
    networks: Sequence[Named],
    photo: Tensor,
    *,
    degraded: bool,
    seed: int,
    max_pixels: int,
    ensemble: bool,
) -> dict[str, Any]:
    notes, scale = [ENSEMBLE] if ensemble else [], task.scale
    if task.io.channels == 1:
        notes.append(GRAY)
        photo = in_channels(photo, 1)
    if degraded and task.pairs is not None:
        notes.append(GIVEN)
    if degraded and task.pairs is None:
        target = _fitted(photo, max_pixels)
        if target.shape != photo.shape:
            notes.append(SHRUNK)
        target = mod_crop(target, scale)
        _check_side(target, MIN_SIDE * scale)
        draws = generator(task.device, "photo", seed)
        worse = degrade(target.to(task.device), task.data.degradations, draws)
    else:
        worse = middle(photo, max_pixels // scale**2)
        if worse.shape != photo.shape:
            notes.append(CUT)
        notes.append(UNKNOWN)
        _check_side(worse, MIN_SIDE)
        target, worse = None, worse.to(task.device)
    shown = [("input", "input", bicubic_upsample(worse, scale).cpu() if scale > 1 else worse.cpu())]
    for role, name, network in networks:
        restored, apart = restore(network.module, worse, scale, ensemble=ensemble)
        shown.append((role, name, restored))
        if words := apart_words(apart):
            notes.append(f"{name}: {words}")
    panels: list[dict[str, Any]] = []
    for role, name, image in shown:
        panels.append({"role": role, "name": name, "image": data_uri(image[0])})
        if target is not None:
            quality = (
                metric(image, target, channel=task.channel, shave=task.shave).item()
                for metric in (psnr, ssim)
            )
            panels[-1]["metrics"] = dict(zip(("psnr", "ssim"), quality, strict=True))
    seen: dict[str, Any] = {
        "name": "photo",
        "size": list(worse.shape[:-3:-1]),
        "panels": panels,
        "notes": notes,
    }
    if target is not None:
        panels.append({"role": "target", "name": "target", "image": data_uri(target[0])})
        seen["convention"] = "; ".join(metric.convention for metric in task.metrics)
    return seen


def _classified(task: Classification, networks: Sequence[Named], photo: Tensor) -> dict[str, Any]:
    size = task.io.size
    height, width = photo.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = photo[..., top : top + side, left : left + side]
    image = F.interpolate(square, (size, size), mode="bilinear", antialias=True)
    if task.io.channels == 1:
        image = image.mean(1, keepdim=True)
    panels: list[dict[str, Any]] = [{"role": "input", "name": "input", "image": data_uri(image[0])}]
    batch = image.to(task.device).contiguous(memory_format=torch.channels_last)
    for role, name, network in networks:
        with torch.no_grad():
            shares = network.module(batch).float().softmax(1)[0].cpu()
        best = shares.topk(min(10, len(shares)))
        panels.append(
            {
                "role": role,
                "name": name,
                "predictions": [
                    {"class": task.classes[int(index)], "share": round(float(share), 4)}
                    for share, index in zip(best.values, best.indices, strict=True)
                ],
            }
        )
    return {"name": "photo", "size": [size, size], "panels": panels, "notes": [SQUARE]}


def _fitted(photo: Tensor, pixels: int) -> Tensor:
    """Shrunk to at most `pixels`, with antialiasing and at 8 bits."""
    height, width = photo.shape[-2:]
    if height * width <= pixels:
        return photo
    shrink = (pixels / (height * width)) ** 0.5
    size = (max(1, int(height * shrink)), max(1, int(width * shrink)))
    return F.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1).mul(255).round().div(255)


def _check_side(image: Tensor, least: int) -> None:
    height, width = image.shape[-2:]
    if min(height, width) < least:
        raise ConfigError(
            f"The photo is too small or too narrow here ({width} × {height}): each side needs {least} pixels."
        )
