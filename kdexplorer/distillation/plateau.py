"""Stages that end when the student no longer improves."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Plateau(nn.Module):
    """Counts the plateaus of a student's held-out quality: each begins the next stage of its objective.

    A plateau is `patience` evaluations in a row without a new best; the next one is counted from there. What it knows
    is kept in a checkpoint as one tensor.

    Attributes:
        stage: plateaus so far.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.stage, self._waited, self._best = 0, 0, -math.inf

    def watch(self, quality: float) -> bool:
        """Take in an evaluation's quality, where more is better; whether a plateau is reached with it."""
        if quality > self._best:
            self._best, self._waited = quality, 0
            return False
        self._waited += 1
        if self._waited < self.patience:
            return False
        self._waited = 0
        return True

    def get_extra_state(self) -> Tensor:
        return torch.tensor([self.stage, self._waited, self._best], dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        stage, waited, self._best = state.tolist()
        self.stage, self._waited = int(stage), int(waited)
