"""Labelled images that fit into memory: every fixed set is one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kdexplorer.data.spec import LabelledImages
from kdexplorer.params import ConfigError

MAX_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class ArrayData:
    """Training and test images on one device (`kdexplorer.data.LabelledData`); build it with `array_data`.

    Attributes:
        images, labels: uint8 [N, C, S, S] and int64 [N] to train on.
        test_images, test_labels: the same, held out.
        drawable: int64 [M], indices of the training images whose class is not excluded; on the CPU.
        peak: the value that becomes 1.0.
    """

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]
    drawable: Tensor
    peak: int = 255

    @property
    def channels(self) -> int:
        return int(self.images.shape[1])

    @property
    def samples(self) -> int:
        return len(self.images)

    @property
    def size(self) -> int:
        return int(self.images.shape[2])

    def draw(self, batch: int, generator: torch.Generator) -> LabelledImages:
        """Drawn with replacement."""
        choice = torch.randint(len(self.drawable), (batch,), generator=generator)
        index = self.drawable[choice].to(self.images.device, non_blocking=True)
        return LabelledImages(self._float(self.images[index]), self.labels[index], index=index)

    def held_out(self, count: int) -> LabelledImages:
        return LabelledImages(self._float(self.test_images[:count]), self.test_labels[:count])

    def to(self, device: torch.device) -> ArrayData:
        return replace(
            self,
            images=self.images.to(device),
            labels=self.labels.to(device),
            test_images=self.test_images.to(device),
            test_labels=self.test_labels.to(device),
        )

    def _float(self, images: Tensor) -> Tensor:
        return images.float().div_(self.peak)


def array_data(
    training: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    classes: Sequence[str],
    excluded: Sequence[int],
    *,
    peak: int = 255,
) -> ArrayData:
    """Check (images uint8 [N, C, S, S], labels int64 [N]) of both splits, and mix the test images' classes.

    Raises:
        ConfigError: empty, images not square, a label without a class, or nothing left to draw.
    """
    for images, labels in (training, test):
        if images.ndim != 4 or images.shape[1] not in (1, 3) or images.shape[2] != images.shape[3]:
            raise ConfigError(f"Images must be square with 1 or 3 channels; these are {tuple(images.shape)}.")
        if len(images) == 0 or len(images) != len(labels):
            raise ConfigError(
                f"As many labels as images are needed; here are {len(labels)} and {len(images)}."
            )
        if int(labels.min()) < 0 or int(labels.max()) >= len(classes):
            raise ConfigError(
                f"Labels must lie between 0 and {len(classes) - 1}: there are {len(classes)} classes."
            )
    if training[0].shape[1:] != test[0].shape[1:]:
        shapes = tuple(training[0].shape[1:]), tuple(test[0].shape[1:])
        raise ConfigError("Training and test images differ in shape: {}, {}.".format(*shapes))
    drawable = torch.isin(training[1], check_excluded(excluded, classes), invert=True).nonzero().flatten()
    if len(drawable) == 0:
        raise ConfigError("Every class with training images is excluded: leave at least one in.")
    order = torch.randperm(len(test[1]), generator=torch.Generator().manual_seed(0))
    return ArrayData(*training, test[0][order], test[1][order], tuple(classes), drawable, peak)


def check_excluded(excluded: Sequence[int], classes: Sequence[str]) -> Tensor:
    """The excluded class indices, int64 [E].

    Raises:
        ConfigError: an index without a class.
    """
    if any(index >= len(classes) for index in excluded):
        raise ConfigError(
            f"There is no class {max(excluded)} to exclude: they count from 0 to {len(classes) - 1}."
        )
    return torch.tensor(list(excluded), dtype=torch.int64)
