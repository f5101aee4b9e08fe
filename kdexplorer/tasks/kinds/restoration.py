"""Restoration: from a degraded image back to the clean one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.config import RunConfig
from kdexplorer.data import SOURCES, PairData, PhotoData
from kdexplorer.data.draws import generator
from kdexplorer.data.gray import in_channels
from kdexplorer.data.pipeline import augment, augment_pairs, channels_and_scale, degrade
from kdexplorer.data.resize import bicubic_upsample
from kdexplorer.events import MetricInfo, Metrics
from kdexplorer.metrics.image import psnr, ssim
from kdexplorer.models import ModelIO
from kdexplorer.params import ConfigError
from kdexplorer.tasks.conventions import channel_and_shave, check_crop, check_side, conventions, least_side
from kdexplorer.tasks.image_scores import image_scores
from kdexplorer.tasks.picture import data_uri, middle
from kdexplorer.tasks.spec import TASKS, Batch, Evaluation, Example, Forward, Seen, TaskSpec
from kdexplorer.tasks.tiles import WHOLE, Tiled, apart_words, tiled

PREVIEW_CROP = 144
PREVIEWS = 4
PIXELS_AT_ONCE = 600_000  # of one evaluation batch, so that memory stays bounded whatever the images
MOST_SHOWN = 600_000  # pixels of a picture
MIDDLE = "The pictures are the middle of this image; the scores are of all of it."
HELD_OUT_SEED = 20260101  # the same held-out noise in every run, so that runs can be compared

Shown = tuple[str, Tensor, Tensor, int | None]  # name, input, target, and which held-out image that is


class Restoration:
    """Photos, degraded on the device, or given pairs; L1 to the clean image; PSNR and SSIM by the field's conventions.

    Attributes:
        pairs: the data where its degraded images are given, else None.
    """

    samples = 0  # every crop is cut anew

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        data = config.data
        source = SOURCES[data.source.id]
        if not data.degradations and not source.paired:
            raise ConfigError("data.degradations: choose what makes the input worse, e.g. gaussian_noise.")
        self.io = io_of(config)
        self.scale = self.io.scale
        check_crop(self.io, data)
        self.device, self.data = device, data
        self.seed, self.batch_size = config.training.seed, config.training.batch_size
        loaded = source.load(source.check(data.source.params), data.exclude_classes).to(device)
        self.photos: PhotoData | None = None if source.paired else loaded
        self.pairs: PairData | None = loaded if source.paired else None
        self.channel, self.shave = channel_and_shave(self.io, data)
        of_psnr, of_ssim = conventions(self.io, data)
        self.metrics: tuple[MetricInfo, ...] = (
            MetricInfo(id="psnr", title="PSNR", unit="dB", digits=2, higher_is_better=True,
                       convention=of_psnr),
            MetricInfo(id="ssim", title="SSIM", unit="", digits=4, higher_is_better=True,
                       convention=of_ssim),
        )  # fmt: skip
        self.held_out = self._batches(data.held_out, data.held_out_crop)
        if not self.held_out:
            raise ConfigError("The source has no held-out image: add images, or choose another source.")
        for name, _, clean in self._one_by_one(self.held_out):
            check_side(name, clean, self.io, data)
        self._previews: list[Shown] | None = None
        self._input: Evaluation | None = None

    def _held_out(self, count: int, crop: int) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(name, input, target) of held-out images, float [1, C, h, w] and [1, C, scale·h, scale·w]."""
        if self.pairs is not None:
            for name, *both in self.pairs.held_out(count, crop):
                worse, clean = (
                    in_channels(image.to(self.device).float().div(255).unsqueeze(0), self.io.channels)
                    for image in both
                )
                yield name, worse, clean
            return
        assert self.photos is not None
        for index, (name, image) in enumerate(self.photos.held_out(count, crop)):
            height, width = (side - side % self.scale for side in image.shape[-2:])
            clean = image[:, :height, :width].to(self.device).float().div(255).unsqueeze(0)
            clean = in_channels(clean, self.io.channels)
            noise = generator(self.device, "held out", HELD_OUT_SEED, index)
            yield name, degrade(clean, self.data.degradations, noise), clean

    def _batches(self, count: int, crop: int) -> list[tuple[list[str], Tensor, Tensor]]:
        """(names, inputs, targets) in batches of equal size, degraded once and for all."""
        channels = self.io.channels
        groups: dict[tuple[int, int], list[tuple[str, Tensor]]] = {}
        for name, worse, clean in self._held_out(count, crop):
            height, width = clean.shape[-2:]
            groups.setdefault((height, width), []).append(
                (name, torch.cat([clean.flatten(), worse.flatten()]))
            )
        batches = []
        for (height, width), members in groups.items():
            at_once = max(1, PIXELS_AT_ONCE // (height * width))
            for start in range(0, len(members), at_once):
                part = members[start : start + at_once]
                both = torch.stack([packed for _, packed in part])
                pixels = channels * height * width
                clean = both[:, :pixels].reshape(-1, channels, height, width)
                worse = both[:, pixels:].reshape(-1, channels, height // self.scale, width // self.scale)
                layout = torch.channels_last
                batches.append(
                    (
                        [name for name, _ in part],
                        worse.contiguous(memory_format=layout),
                        clean.contiguous(memory_format=layout),
                    )
                )
        return batches

    def batch(self, step: int) -> Batch:
        draws = generator("cpu", "batch", self.seed, step)
        on_device = generator(self.device, "views", self.seed, step)
        worse, clean = self._drawn(draws, on_device)
        layout = torch.channels_last
        return Batch(worse.contiguous(memory_format=layout), clean.contiguous(memory_format=layout))

    def _drawn(self, draws: torch.Generator, on_device: torch.Generator) -> tuple[Tensor, Tensor]:
        """(inputs, targets) of a batch, augmented."""
        data, patch = self.data, self.data.patch
        if self.pairs is not None:
            worse, clean = self.pairs.draw(self.batch_size, patch, draws)
            worse, clean = augment_pairs(worse, clean, data.augmentations, on_device)
            return in_channels(worse, self.io.channels), in_channels(clean, self.io.channels)
        assert self.photos is not None
        clean = self.photos.draw(self.batch_size, patch * self.scale, draws)
        clean, _ = augment(clean, None, data.augmentations, on_device)
        clean = in_channels(clean, self.io.channels)
        return degrade(clean, data.degradations, on_device), clean

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return F.l1_loss(output.float(), batch.target)

    def _score(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        settings: dict[str, Any] = {"channel": self.channel, "shave": self.shave}
        return psnr(output, target, **settings), ssim(output, target, **settings)

    def _output(self, forward: Forward, worse: Tensor) -> Tiled:
        """What a network makes of inputs, on the task's device; large ones go through it in tiles."""
        if worse.shape[-2] * worse.shape[-1] <= WHOLE:
            return Tiled(forward(worse).float(), 0.0)
        image, apart = tiled(forward, worse, self.scale)
        return Tiled(image.to(self.device), apart)

    def evaluate(self, forward: Forward) -> Evaluation:
        scores, most_apart = [], 0.0
        for _, worse, clean in self.held_out:
            image, apart = self._output(forward, worse)
            scores.append(self._score(image, clean))
            most_apart = max(most_apart, apart)
        return Evaluation(
            {
                metric: torch.cat([score[index] for score in scores]).double().cpu().numpy()
                for index, metric in enumerate(("psnr", "ssim"))
            },
            note=apart_words(most_apart),
        )

    def _shown(self, worse: Tensor) -> Tensor:
        return bicubic_upsample(worse, self.scale) if self.scale > 1 else worse

    def _input_scores(self) -> Evaluation:
        if self._input is None:
            self._input = self.evaluate(self._shown)
        return self._input

    def input_metrics(self) -> Metrics:
        return self._input_scores().means

    def extra(self, evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
        return {}

    def _preview_images(self) -> list[Shown]:
        if self._previews is None:
            least = least_side(self.io, self.data)  # there may be smaller ones behind those that are scored
            images = [
                image
                for image in self._one_by_one(self._batches(PREVIEWS, PREVIEW_CROP * max(1, self.scale // 2)))
                if min(image[2].shape[-2:]) >= least
            ]
            scored = list(self._one_by_one(self.held_out))
            self._previews = [
                (
                    name,
                    worse,
                    clean,
                    next((i for i, s in enumerate(scored) if _same(s, (worse, clean))), None),
                )
                for name, worse, clean in images
            ]
        return self._previews

    @staticmethod
    def _one_by_one(
        batches: Sequence[tuple[list[str], Tensor, Tensor]],
    ) -> Iterator[tuple[str, Tensor, Tensor]]:
        for names, worse, clean in batches:
            for i, name in enumerate(names):
                yield name, worse[i : i + 1], clean[i : i + 1]

    def preview(self, networks: Sequence[Seen]) -> dict[str, Any]:
        items = [
            {"name": name, "held_out": place, "panels": self._panels(worse, clean, networks)[0]}
            for name, worse, clean, place in self._preview_images()
        ]
        shown: dict[str, Any] = {"kind": "restoration", "convention": self._convention, "items": items}
        if known := {n.name: n.known for n in networks if n.known is not None}:
            names = [name for part, _, _ in self.held_out for name in part]
            shown["scores"] = image_scores(names, {"input": self._input_scores(), **known}, self.metrics)
        return shown

    @property
    def _convention(self) -> str:
        return "; ".join(metric.convention for metric in self.metrics)

    def _panels(
        self, worse: Tensor, clean: Tensor, networks: Sequence[Seen]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """The panels of an image, and what there is to note of them."""
        seen: list[tuple[str, str, Tensor]] = [("input", "input", self._shown(worse))]
        notes = [MIDDLE] if clean.shape[-2] * clean.shape[-1] > MOST_SHOWN else []
        for network in networks:
            image, apart = self._output(network.forward, worse)
            seen.append((network.role, network.name, image))
            if words := apart_words(apart):
                notes.append(f"{network.name}: {words}")
        seen.append(("target", "target", clean))
        panels = []
        for role, title, image in seen:
            scores = self._score(image.float(), clean) if role != "target" else ()
            metrics = {m: float(s) for m, s in zip(("psnr", "ssim"), scores, strict=False)}
            picture = data_uri(middle(image, MOST_SHOWN)[0])
            panels.append({"role": role, "name": title, "image": picture, "metrics": metrics})
        return panels, notes

    def restored(self, index: int, networks: Sequence[Seen]) -> dict[str, Any]:
        """One held-out image as it is scored, in all its versions: {name, size, panels, notes, convention}.

        `size` is that of the target, [width, height]; of a larger image than fits a page its middle is pictured.

        Raises:
            ConfigError: there is none of that number.
        """
        found = next(itertools.islice(self._one_by_one(self.held_out), index, None), None)
        if found is None:
            count = sum(len(names) for names, _, _ in self.held_out)
            raise ConfigError(f"image: choose one from 0 to {count - 1}.")
        name, worse, clean = found
        panels, notes = self._panels(worse, clean, networks)
        return {
            "name": name,
            "size": list(clean.shape[:-3:-1]),
            "panels": panels,
            "notes": notes,
            "convention": self._convention,
        }

    def example(self) -> Example:
        name, worse, _, _ = self._preview_images()[0]
        return Example(worse, None, self._shown(worse)[0], name)

    def examples(self, count: int) -> list[Example]:
        pairs = [
            (name, worse[i : i + 1]) for names, worse, _ in self.held_out for i, name in enumerate(names)
        ]
        return [Example(worse, None, self._shown(worse)[0], name) for name, worse in pairs[:count]]


def _same(scored: tuple[str, Tensor, Tensor], other: tuple[Tensor, Tensor]) -> bool:
    return all(torch.equal(one, two) for one, two in zip(scored[1:], other, strict=True))


def io_of(config: RunConfig) -> ModelIO:
    """As `TaskSpec.io_of`."""
    channels, scale = channels_and_scale(config.data)
    return ModelIO(channels=channels, scale=scale)


TASKS.add(
    TaskSpec(
        id="restoration",
        title="Image restoration",
        order=10,
        summary="From a degraded image back to the clean one: denoising, super-resolution.",
        open=Restoration,
        io_of=io_of,
        check_run=lambda config: check_crop(io_of(config), config.data),
        attribution="attention",
    )
)
