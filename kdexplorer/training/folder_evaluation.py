"""How well a run's networks restore a folder of images that nobody trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdexplorer.config import CONTROL, DataConfig, RunConfig
from kdexplorer.data import SOURCES
from kdexplorer.data.draws import generator
from kdexplorer.data.image_file import image_files
from kdexplorer.data.pipeline import degrade
from kdexplorer.data.resize import bicubic_upsample, mod_crop
from kdexplorer.metrics.comparison import paired_bootstrap
from kdexplorer.metrics.image import psnr, ssim
from kdexplorer.metrics.perceptual import (
    BLUR_CONVENTION,
    LPIPS_CONVENTION,
    Score,
    blur_effect,
    lpips,
    lpips_problem,
)
from kdexplorer.models import ModelIO
from kdexplorer.models.build import Network
from kdexplorer.params import ConfigError
from kdexplorer.tasks.conventions import channel_and_shave, check_side, conventions
from kdexplorer.tasks.kinds.restoration import HELD_OUT_SEED, io_of
from kdexplorer.training.restoring import read_batch, restore

INPUT = "input"
METRICS = ("psnr", "ssim")  # then, beside them, blur and where it is there lpips


def evaluate_folder(
    config: RunConfig,
    networks: Mapping[str, Network],
    folder: Path,
    *,
    inputs: Path | None = None,
    ensemble: bool = False,
    shown: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """PSNR, SSIM and the blur effect of every network on every image of `folder`; LPIPS where its weights are here.

    Args:
        networks: by name, `control` among them where the run has one.
        folder: the clean images.
        inputs: the degraded ones, matched by name; None degrades the clean ones as the run does, always alike.
        ensemble: average each network over eight views of the image.
        shown: is told the name of each image when it is done.

    Returns:
        {convention: {metric: words}, missing: why a metric is left out, in words, or None, apart: {network: the most
        by which its tiles differed, in gray levels}, images: [{name, size: [w, h], scores: {network: {metric:
        value}}}], mean: {network: {metric: value}} over the images that have it (LPIPS needs 32 pixels a side), gain:
        {student: {metric: {difference, low, high}}}}: the gain is over the control, with a 95 % bootstrap interval
        over images.

    Raises:
        ConfigError: the run restores nothing, the folder holds no images, one is too small, or a pair does not fit.
    """
    if config.task != "restoration":
        raise ConfigError("Only runs that restore images can be evaluated on a folder of images.")
    io = io_of(config)
    scale = io.scale
    if inputs is None and SOURCES[config.data.source.id].paired:
        raise ConfigError(
            "This run's degraded images were given: name the folder of those to restore (--inputs)."
        )
    measures: dict[str, Score] = {
        **_by_reference(io, config.data),
        "blur": lambda output, _: blur_effect(output),
    }
    convention = dict(zip(METRICS, conventions(io, config.data), strict=True)) | {"blur": BLUR_CONVENTION}
    if (missing := lpips_problem()) is None:
        measures["lpips"], convention["lpips"] = lpips(), LPIPS_CONVENTION

    def scored(output: Tensor, clean: Tensor) -> dict[str, float | None]:
        return {name: measure(output, clean) for name, measure in measures.items()}

    images: list[dict[str, Any]] = []
    apart = dict.fromkeys(networks, 0.0)
    for name, worse, clean in _pairs(config, folder, inputs, io):
        scores = {INPUT: scored(bicubic_upsample(worse, scale) if scale > 1 else worse, clean)}
        for which, network in networks.items():
            device = next(network.module.parameters()).device
            output, seam = restore(network.module, worse.to(device), scale, ensemble=ensemble)
            scores[which], apart[which] = scored(output, clean), max(apart[which], seam)
        images.append({"name": name, "size": list(clean.shape[:-3:-1]), "scores": scores})
        shown(name)
    names = [INPUT, *networks]
    metrics = [m for m in measures if any(image["scores"][INPUT][m] is not None for image in images)]
    by_name = {
        n: {
            m: [image["scores"][n][m] for image in images if image["scores"][n][m] is not None]
            for m in metrics
        }
        for n in names
    }
    return {
        "convention": {m: convention[m] for m in metrics},
        "missing": missing,
        "apart": apart,
        "images": images,
        "mean": {
            n: {m: sum(values) / len(values) for m, values in found.items()} for n, found in by_name.items()
        },
        "gain": _gains(by_name, [variant.name for variant in config.variants]),
    }


def _by_reference(io: ModelIO, data: DataConfig) -> dict[str, Score]:
    channel, shave = channel_and_shave(io, data)
    settings: dict[str, Any] = {"channel": channel, "shave": shave}
    return {
        "psnr": lambda output, clean: psnr(output, clean, **settings).item(),
        "ssim": lambda output, clean: ssim(output, clean, **settings).item(),
    }


def _gains(
    scores: Mapping[str, Mapping[str, Sequence[float]]], students: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    if CONTROL not in scores:
        return {}
    compared = [name for name in students if name in scores]
    return {
        name: {
            metric: dict(
                zip(
                    ("difference", "low", "high"),
                    paired_bootstrap(scores[name][metric], scores[CONTROL][metric]),
                    strict=True,
                )
            )
            for metric in scores[name]
        }
        for name in compared
    }


def _pairs(
    config: RunConfig, folder: Path, inputs: Path | None, io: ModelIO
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, degraded, clean) of every image, [1, C, h, w] and [1, C, scale·h, scale·w], on the CPU."""
    scale = io.scale
    files = list(image_files(folder))
    if not files:
        raise ConfigError(f"There is no image in {folder}.")
    partners = {path.stem: path for path in image_files(inputs)} if inputs is not None else None
    for index, path in enumerate(files):
        clean = mod_crop(read_batch(path, io), scale)
        check_side(path.name, clean, io, config.data)
        if partners is None:
            draws = generator(torch.device("cpu"), "evaluate", HELD_OUT_SEED, index)
            yield path.name, degrade(clean, config.data.degradations, draws), clean
            continue
        if path.stem not in partners:
            raise ConfigError(f"{path.name} has no partner of the same name in {inputs}.")
        worse = read_batch(partners[path.stem], io)
        if [side * scale for side in worse.shape[-2:]] != list(clean.shape[-2:]):
            seen, asked = (" × ".join(str(s) for s in x.shape[:-3:-1]) for x in (worse, clean))
            raise ConfigError(
                f"{path.name}: the degraded image is {seen} and the clean one {asked}; this run enlarges {scale}×."
            )
        yield path.name, worse, clean
