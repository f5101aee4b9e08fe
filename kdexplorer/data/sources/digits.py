"""Handwritten digits of 8 × 8 pixels that ship inside scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kdexplorer.data.arrays import ArrayData, array_data
from kdexplorer.data.bundled import bundled_file
from kdexplorer.data.spec import SOURCES, SourceSpec

CLASSES = tuple(str(digit) for digit in range(10))
PEAK = 16  # ink is counted in sixteenths


@lru_cache(maxsize=1)
def _read() -> tuple[Tensor, Tensor]:
    file = bundled_file("sklearn", "datasets/data/digits.csv.gz")
    table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    return torch.from_numpy(table[:, :64]).view(-1, 1, 8, 8), torch.from_numpy(table[:, 64]).long()


def load(params: Mapping[str, Any], excluded: Sequence[int]) -> ArrayData:
    """1,437 images to train on and 360 to test, each class split alike; the same split in every run."""
    images, labels = _read()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    order = order[labels[order].argsort(stable=True)]
    test = torch.zeros(len(labels), dtype=torch.bool)
    test[order[::5]] = True
    return array_data(
        (images[~test], labels[~test]), (images[test], labels[test]), CLASSES, excluded, peak=PEAK
    )


SOURCES.add(
    SourceSpec(
        id="digits",
        title="Digits",
        order=10,
        summary="1,797 handwritten digits of 8 × 8 pixels from scikit-learn; 360 are held out.",
        tasks=("classification",),
        paper="UCI, 1998",
        load=load,
        known=lambda params: (1, len(CLASSES), 8),
        samples=1437,
    )
)
