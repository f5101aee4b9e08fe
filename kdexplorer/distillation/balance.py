"""Weights that follow the losses: by running magnitude, by learned uncertainty, and by importance of the levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

MEMORY = 0.98  # of the running magnitudes, a step
MOST = 1e4  # how far magnitudes may move a weight, either way


class Magnitudes(nn.Module):
    """Running means of |loss|, one a name; the first value counts whole."""

    means: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(count))

    @torch.no_grad()
    def follow(self, losses: Mapping[int, Tensor]) -> Tensor:
        """Take in this step's losses, by place, and return all means [count]; 0 is one never seen."""
        for place, loss in losses.items():
            now, before = loss.detach().abs().to(self.means.dtype), self.means[place]
            self.means[place] = torch.where(before > 0, MEMORY * before + (1 - MEMORY) * now, now)
        return self.means


class MagnitudeBalance(nn.Module):
    """Brings every term to the running magnitude of the task's loss, so that weights say shares."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.magnitudes = Magnitudes(len(names))

    def factors(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Factors on the weights of `losses`; the first name's is 1."""
        means = self.magnitudes.follow({self.names.index(name): loss for name, loss in losses.items()})
        ratios = (means[0] / means.clamp(min=1e-12)).clamp(1 / MOST, MOST)
        return {name: ratios[self.names.index(name)] for name in losses}

    def penalty(self, losses: Mapping[str, Tensor]) -> Tensor | None:
        return None


class UncertaintyBalance(nn.Module):
    """Learns a log-variance s a term: Σ exp(−s)·loss + s/2.

    Paper: Kendall, Gal, Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", arXiv 1705.07115.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.log_variances = nn.Parameter(torch.zeros(len(names)))

    def factors(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """exp(−s) of the terms in `losses`."""
        factors = torch.exp(-self.log_variances)
        return {name: factors[self.names.index(name)] for name in losses}

    def penalty(self, losses: Mapping[str, Tensor]) -> Tensor | None:
        """Σ s/2 over the terms in `losses`: what keeps s from growing."""
        places = [self.names.index(name) for name in losses]
        return self.log_variances[places].sum() / 2


Balance = MagnitudeBalance | UncertaintyBalance


def balance_for(kind: str, names: Sequence[str]) -> Balance | None:
    """The balance of that kind; None for fixed weights."""
    if kind == "magnitude":
        return MagnitudeBalance(names)
    return UncertaintyBalance(names) if kind == "uncertainty" else None


class LevelBalance(nn.Module):
    """Weighs a term's levels by importance: a level's share of the running magnitudes, times the number of levels.

    The student attends to the levels where it is furthest from the teacher; equal levels have 1 each.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.magnitudes = Magnitudes(count)

    def combine(self, losses: Sequence[Tensor]) -> Tensor:
        """Σ weight · loss over the levels."""
        means = self.magnitudes.follow(dict(enumerate(losses)))
        weights = len(losses) * means / means.sum().clamp(min=1e-12)
        return (torch.stack(list(losses)) * weights.to(losses[0].dtype)).sum()
