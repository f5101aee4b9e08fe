"""What a network averages over the whole image, averaged over all tiles of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from kdexplorer.tasks.spec import Forward


class SharedPools:
    """The layers of a network that average over all pixels they are given (`nn.AdaptiveAvgPool2d(1)`).

    Channel attention (RCAN, NAFNet) is built of them. A tile's average is not the image's, so that tiles would differ
    where they meet: first each tile's averages are recorded, then all tiles get their mean.
    """

    def __init__(self, forward: Forward) -> None:
        self.network = forward if isinstance(forward, nn.Module) else nn.Identity()
        self.layers = [
            layer
            for layer in self.network.modules()
            if isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size in (1, (1, 1))
        ]
        self._calls = 0  # of such layers since the forward pass began: one layer may stand in several places
        self._sums: dict[int, Tensor] = {}
        self._pixels: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self.layers)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Forward passes within count, by how many pixels they have."""

        def record(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            pixels = inputs[0].shape[-2] * inputs[0].shape[-1]
            call = self._next()
            self._sums[call] = self._sums.get(call, torch.zeros_like(output)) + pixels * output
            self._pixels[call] = self._pixels.get(call, 0) + pixels

        with self._hooked(record):
            yield

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Forward passes within get the mean of what was recorded."""

        def replace(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            call = self._next()
            return self._sums[call] / self._pixels[call]

        with self._hooked(replace):
            yield

    def _begin(self, network: nn.Module, inputs: tuple[Tensor]) -> None:
        self._calls = 0

    def _next(self) -> int:
        self._calls += 1
        return self._calls

    @contextmanager
    def _hooked(self, hook: object) -> Iterator[None]:
        handles = [layer.register_forward_hook(hook) for layer in self.layers]  # type: ignore[arg-type]
        handles.append(self.network.register_forward_pre_hook(self._begin))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
