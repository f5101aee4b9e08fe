"""Augmentations that can be undone exactly, image by image, in the reverse order."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def invert_colors(images: Tensor) -> Tensor:
    return 1 - images


def flip_vertically(images: Tensor) -> Tensor:
    return images.flip(-2)


def flip_horizontally(images: Tensor) -> Tensor:
    return images.flip(-1)


def transpose(images: Tensor) -> Tensor:
    return images.transpose(-2, -1)


OPERATIONS = (invert_colors, flip_vertically, flip_horizontally, transpose)  # each is its own inverse


class Augmentation:
    """Which images of a batch take which of `OPERATIONS`.

    A flip and a transposition do not commute, so `undo` goes backwards.

    Args:
        chosen: bool [operations, B].
    """

    def __init__(self, chosen: Tensor) -> None:
        self.chosen = chosen

    @classmethod
    def draw(cls, batch: int, probability: float, draws: torch.Generator) -> Augmentation:
        """Each operation for each image with `probability`."""
        shape = (len(OPERATIONS), batch)
        return cls(torch.rand(shape, generator=draws, device=draws.device) < probability)

    def apply(self, images: Tensor) -> Tensor:
        """[B, C, H, W] → the same shape; images that are not square are not transposed."""
        return self._run(images, range(len(OPERATIONS)))

    def undo(self, images: Tensor) -> Tensor:
        """The inverse of `apply`, also for what a network made of its images at another scale."""
        return self._run(images, reversed(range(len(OPERATIONS))))

    def _run(self, images: Tensor, order: Iterable[int]) -> Tensor:
        for index in order:
            operation = OPERATIONS[index]
            if operation is transpose and images.shape[-2] != images.shape[-1]:
                continue
            images = torch.where(self.chosen[index].view(-1, 1, 1, 1), operation(images), images)
        return images
