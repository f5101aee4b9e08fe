"""What a source, a degradation and an augmentation are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from kdexplorer.registry import Registry, Spec

Sampled = dict[str, Tensor]  # what was drawn: same keys, same meaning for every image of the batch


class PhotoData(Protocol):
    """Photos for restoration, on one device, uint8 [3, H, W]; training and held-out ones never overlap."""

    def draw(self, batch: int, size: int, generator: torch.Generator) -> Tensor:
        """Random square crops, float [batch, 3, size, size] in [0, 1]. `generator` is a CPU generator."""
        ...

    def held_out(self, count: int, crop: int) -> list[tuple[str, Tensor]]:
        """Up to `count` (name, uint8 [3, h, w]) crops of side `crop`, from all photos; 0 = whole photos."""
        ...

    def to(self, device: torch.device) -> PhotoData: ...


class PairData(Protocol):
    """Clean images, each with a degraded one that is 1/`scale` its size, on one device, uint8 [C, H, W]."""

    channels: int
    scale: int

    def draw(self, batch: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random square crops of the same places: degraded float [batch, C, size, size] and clean
        [batch, C, scale·size, scale·size], in [0, 1]. `generator` is a CPU generator."""
        ...

    def held_out(self, count: int, crop: int) -> list[tuple[str, Tensor, Tensor]]:
        """Up to `count` (name, degraded, clean), the clean ones crops of side `crop`, 0 = whole images."""
        ...

    def to(self, device: torch.device) -> PairData: ...


@dataclass(frozen=True)
class LabelledImages:
    """Images float [N, C, H, W] in [0, 1], labels int64 [N], and where known the object's
    mask bool [N, H, W] and box float [N, 4] (x0, y0, x1, y1 in pixels), and int64 [N], which training images
    these are."""

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    boxes: Tensor | None = None
    index: Tensor | None = None


class LabelledData(Protocol):
    """Images with a class, on one device."""

    classes: tuple[str, ...]
    channels: int
    size: int  # side of the square images

    @property
    def samples(self) -> int:
        """Training images that a batch's `index` counts; 0 where every image is made anew."""
        ...

    def draw(self, batch: int, generator: torch.Generator) -> LabelledImages:
        """A training batch; none of the excluded classes. `generator` is a CPU generator."""
        ...

    def held_out(self, count: int) -> LabelledImages:
        """The first `count` test images (all classes; a fixed shuffled order, classes mixed)."""
        ...

    def to(self, device: torch.device) -> LabelledData: ...


@dataclass(frozen=True, kw_only=True)
class SourceSpec(Spec):
    """A source of images.

    Attributes:
        load: (checked params, excluded class indices) → PhotoData, PairData or LabelledData.
            Raises ConfigError with what to change (a missing folder, a broken image, no network).
        known: checked params → (channels, classes, side) of its labelled images, where that can be said without
            loading (or downloading) them.
        samples: training images where `known` is given; 0 where every one is made anew.
        reads_paths: it opens a path that the person names: refused where that is not the machine's owner.
        paired: its degraded images are given with the clean ones (PairData), not made by degradations.
        form: checked params → (channels, scale) of its images, without reading them.
        few: checked params → those that load just a few of its images, to look at one quickly.
        less_training: checked params → those that make less to train on, and the very same held-out images.
    """

    load: Callable[[Mapping[str, Any], Sequence[int]], Any]
    reads_paths: bool = False
    known: Callable[[Mapping[str, Any]], tuple[int, int, int]] | None = None
    samples: int = 0
    paired: bool = False
    form: Callable[[Mapping[str, Any]], tuple[int, int]] = lambda params: (3, 1)
    few: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda params: params
    less_training: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda params: params


@dataclass(frozen=True, kw_only=True)
class DegradationSpec(Spec):
    """What makes an image worse.

    Attributes:
        sample: (shape [B, C, H, W] of the images, checked params, generator on the images' device) → Sampled.
        apply: (images float [B, C, H, W] in [0, 1], Sampled, checked params) → the worse images, not clipped.
        scale: checked params → by how much it shrinks each side.
    """

    sample: Callable[[Sequence[int], Mapping[str, Any], torch.Generator], Sampled]
    apply: Callable[[Tensor, Sampled, Mapping[str, Any]], Tensor]
    scale: Callable[[Mapping[str, Any]], int] = lambda params: 1


@dataclass(frozen=True, kw_only=True)
class AugmentationSpec(Spec):
    """What makes the training data richer; batched, on the device.

    Attributes:
        sample: (shape [B, C, H, W], probability, strength, checked params, generator on the images' device)
            → Sampled. An image that is left alone gets the identity.
        apply: (images float [B, C, H, W] in [0, 1], labels float [B, K] or None, Sampled)
            → (images of the same shape, labels). Only mixing augmentations change the labels (to soft ones).
        exact: without labels it only moves pixels, so that a clean image and its degraded one stay a pair.
    """

    sample: Callable[[Sequence[int], float, float, Mapping[str, Any], torch.Generator], Sampled]
    apply: Callable[[Tensor, Tensor | None, Sampled], tuple[Tensor, Tensor | None]]
    exact: bool = False


SOURCES: Registry[SourceSpec] = Registry("sources", "kdexplorer.data.sources")
DEGRADATIONS: Registry[DegradationSpec] = Registry("degradations", "kdexplorer.data.degradations")
AUGMENTATIONS: Registry[AugmentationSpec] = Registry("augmentations", "kdexplorer.data.augmentations")
