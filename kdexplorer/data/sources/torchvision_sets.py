"""CIFAR-10, CIFAR-100, MNIST and FashionMNIST through torchvision, downloaded at first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kdexplorer.data.arrays import ArrayData, array_data
from kdexplorer.data.spec import SOURCES, SourceSpec
from kdexplorer.home import home
from kdexplorer.params import ConfigError


def _loader(title: str, name: str, folder: str) -> Callable[[Mapping[str, Any], Sequence[int]], ArrayData]:
    def load(params: Mapping[str, Any], excluded: Sequence[int]) -> ArrayData:
        import torchvision.datasets  # a second of import that other sources do not need

        root = home() / "datasets"
        dataset = getattr(torchvision.datasets, name)
        try:
            # CIFAR's files are pickles: torchvision opens them only if their checksums are the published ones.
            training = dataset(root, train=True, download=True)
            test = dataset(root, train=False, download=True)
        except Exception as error:  # no network, no space, a broken file: torchvision raises many kinds
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ConfigError(
                f"{title} could not be downloaded: {reason[-1]:.200} Put its files in {root / folder}, "
                "or choose another source."
            ) from None
        return array_data(_arrays(training), _arrays(test), tuple(training.classes), excluded)

    return load


def _arrays(dataset: Any) -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(np.asarray(dataset.data))
    images = images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return images.contiguous(), torch.as_tensor(dataset.targets, dtype=torch.int64)


def _said(facts: tuple[int, int, int]) -> Callable[[Mapping[str, Any]], tuple[int, int, int]]:
    return lambda params: facts


for id, title, name, folder, known, samples, what, paper in (
    ("cifar10", "CIFAR-10", "CIFAR10", "cifar-10-batches-py", (3, 10, 32), 50_000, "60,000 photos of 32 × 32, 10 classes", "Krizhevsky 2009"),
    ("cifar100", "CIFAR-100", "CIFAR100", "cifar-100-python", (3, 100, 32), 50_000, "60,000 photos of 32 × 32, 100 classes", "Krizhevsky 2009"),
    ("mnist", "MNIST", "MNIST", "MNIST/raw", (1, 10, 28), 60_000, "70,000 digits of 28 × 28", "LeCun 1998"),
    ("fashion_mnist", "FashionMNIST", "FashionMNIST", "FashionMNIST/raw", (1, 10, 28), 60_000, "70,000 garments of 28 × 28", "1708.07747"),
):  # fmt: skip
    SOURCES.add(
        SourceSpec(
            id=id,
            title=title,
            summary=f"{what}; downloaded at first use.",
            tasks=("classification",),
            paper=paper,
            load=_loader(title, name, folder),
            known=_said(known),
            samples=samples,
        )
    )
