"""Losses between two log points: they stay on the device until they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from kdexplorer.events import TermValue

Place = tuple[str, str]  # variant, term


class NonFiniteLoss(Exception):
    """A loss became NaN or infinite."""

    def __init__(self, variant: str, term: str, step: int) -> None:
        super().__init__(f"the {term} loss of {variant!r} was not finite at step {step}")
        self.variant, self.term, self.step = variant, term, step


class LossLog:
    """Collects the losses, weights and gradient shares of steps."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, list[Place], Tensor]] = []
        self._losses: list[Tensor] = []
        self._places: list[Place] = []
        self._weights: dict[Place, float | Tensor] = {}
        self._shares: dict[str, tuple[list[str], Tensor]] = {}

    def add(self, variant: str, losses: Mapping[str, Tensor], weights: Mapping[str, float | Tensor]) -> None:
        """A student's unweighted losses at this step, and the weights in effect."""
        for term, loss in losses.items():
            self._places.append((variant, term))
            self._losses.append(loss.detach().float())
            self._weights[variant, term] = weights[term]

    def add_shares(self, variant: str, names: list[str], shares: Tensor) -> None:
        self._shares[variant] = (names, shares)

    def finish(self, step: int) -> None:
        """The step is done: `step` is the number of finished ones."""
        self._rows.append((step, self._places, torch.stack(self._losses)))
        self._places, self._losses = [], []

    def __bool__(self) -> bool:
        return bool(self._rows)

    def read(self) -> dict[str, dict[str, TermValue]]:
        """Every term's mean over the steps at which it was active; this synchronises with the device, once.

        Raises:
            NonFiniteLoss: the first that was not finite.
        """
        values = torch.cat([row for _, _, row in self._rows]).tolist()
        found: dict[Place, list[float]] = {}
        at = 0
        for step, places, _ in self._rows:
            for place in places:
                if not math.isfinite(values[at]):
                    raise NonFiniteLoss(*place, step)
                found.setdefault(place, []).append(values[at])
                at += 1
        losses: dict[str, dict[str, TermValue]] = {}
        for (variant, term), seen in found.items():
            weight = float(self._weights[variant, term])
            losses.setdefault(variant, {})[term] = TermValue(value=sum(seen) / len(seen), weight=weight)
        self._rows.clear()
        self._weights.clear()
        return losses

    def read_shares(self) -> dict[str, dict[str, float]]:
        """By variant, each term's share of the gradient norm at the last look since the last call."""
        found = {
            variant: dict(zip(names, shares.tolist(), strict=True))
            for variant, (names, shares) in self._shares.items()
        }
        self._shares.clear()
        return found
