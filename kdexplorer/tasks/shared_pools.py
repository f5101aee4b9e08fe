"""What a network averages over the whole image, averaged over all tiles of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kdexplorer.tasks.spec import Forward

ROUNDS = 10  # at most, in which averages settle; most networks take two to four
SETTLED = 0.005  # share of its size by which no average changes any more


class Part(NamedTuple):
    """A tile with what lies around it, [B, C, h, w], and which of its rows and columns are the tile's own."""

    image: Tensor
    rows: tuple[int, int]
    columns: tuple[int, int]


class SharedPools:
    """The layers of a network that average over all pixels they are given (`nn.AdaptiveAvgPool2d(1)`).

    Channel attention (RCAN, NAFNet) is built of them. A tile's average is not the image's, so that tiles would differ
    where they meet: first each tile's averages are recorded, then all tiles get their mean. As what a deep layer
    averages depends on the averages before it, that is done again until they stay what they are.
    """

    def __init__(self, forward: Forward) -> None:
        self.network = forward if isinstance(forward, nn.Module) else nn.Identity()
        self.layers = [
            layer
            for layer in self.network.modules()
            if isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size in (1, (1, 1))
        ]
        self._calls = 0  # of such layers since the forward pass began: one layer may stand in several places
        self._means: dict[int, Tensor] = {}

    def __bool__(self) -> bool:
        return bool(self.layers)

    def settle(self, parts: Callable[[], Iterator[Part]]) -> None:
        """Find the averages over all of `parts()`, which together are the image."""
        for _ in range(ROUNDS):
            before, self._means = self._means, self._recorded(parts())
            if before and all(_near(mean, before[call]) for call, mean in self._means.items()):
                return

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Forward passes within get the averages over the image."""
        with self._hooked(lambda layer, inputs, output: self._means[self._next()]):
            yield

    def _recorded(self, parts: Iterator[Part]) -> dict[int, Tensor]:
        """Means over the parts' own pixels, while the layers give what was found before, or a part's own mean."""
        sums: dict[int, Tensor] = {}
        pixels: dict[int, int] = {}
        part: Part

        def record(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            own = inputs[0][..., _of(part.rows, part.image.shape[-2], inputs[0].shape[-2]), :]
            own = own[..., _of(part.columns, part.image.shape[-1], inputs[0].shape[-1])]
            mean = own.mean((-2, -1), keepdim=True)
            count, call = own.shape[-2] * own.shape[-1], self._next()
            sums[call] = sums.get(call, torch.zeros_like(mean)) + count * mean
            pixels[call] = pixels.get(call, 0) + count
            return self._means.get(call, mean)

        with self._hooked(record):
            for part in parts:
                self.network(part.image)
        return {call: total / pixels[call] for call, total in sums.items()}

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


def _of(own: tuple[int, int], length: int, features: int) -> slice:
    """Where the pixels `own` of `length` lie in a map of `features`, which may be folded, or filled up to be folded."""
    fold = -(-length // features) if features <= length else length / features
    start, stop = (round(place / fold) for place in own)
    return slice(min(start, features - 1), max(stop, start + 1))


def _near(mean: Tensor, before: Tensor) -> bool:
    return bool((mean - before).norm() <= SETTLED * mean.norm())
