"""The student as it was a while ago, as an example of what not to be."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from kdexplorer.distillation.frozen import frozen

AVERAGE_DECAY = 0.999
KEPT = 0.1  # of the history student at an update; the rest comes from the average
TURNS = (100, 50)  # updates at the interval, then at twice the interval; after them at three times


class HistoryStudent(nn.Module):
    """θ_h ← 0.1·θ_h + 0.9·θ_EMA every so often, with θ_EMA the moving average (0.999) of the student.

    The average begins with a lower decay, min(0.999, (1 + k) / (10 + k)) after step k, so that it forgets the start.
    As in the authors' runs, the interval doubles after 100 updates and is three times as long after 50 more.

    Args:
        interval: steps between two updates at the beginning.

    Paper: Zhou et al., "Dynamic Contrastive Knowledge Distillation", arXiv 2412.08939.
    """

    def __init__(self, interval: int) -> None:
        super().__init__()
        self.interval = interval
        self.average: nn.Module = nn.Identity()
        self.history: nn.Module = nn.Identity()

    def attach(self, student: nn.Module) -> None:
        """Begin as the student is; needed once, before anything else."""
        self.average = frozen(copy.deepcopy(student), saved=True)
        self.history = frozen(copy.deepcopy(student), saved=True)

    @torch.no_grad()
    def restart(self, student: nn.Module) -> None:
        """Take the student's weights as they are."""
        for copied in (self.average, self.history):
            own = dict(copied.named_buffers())
            for name, value in _tensors(student).items():
                own[name].copy_(value)

    @torch.no_grad()
    def follow(self, student: nn.Module, step: int) -> None:
        """Move after the update that followed `step`; statistics of norms are copied."""
        average, decay = dict(self.average.named_buffers()), min(AVERAGE_DECAY, (1 + step) / (10 + step))
        weights = dict(student.named_parameters())
        torch._foreach_lerp_([average[name] for name in weights], list(weights.values()), 1 - decay)
        for name, value in student.named_buffers():
            average[name].copy_(value)
        if self.is_due(step + 1):
            history = dict(self.history.named_buffers())
            torch._foreach_lerp_(
                [history[name] for name in weights], [average[name] for name in weights], 1 - KEPT
            )
            for name, value in student.named_buffers():
                history[name].copy_(value)

    def is_due(self, done: int) -> bool:
        """Whether the history student is renewed when `done` steps are finished."""
        first = TURNS[0] * self.interval
        second = first + TURNS[1] * 2 * self.interval
        times = 1 if done <= first else 2 if done <= second else 3
        return done % (times * self.interval) == 0

    def forward(self, images: Tensor) -> Tensor:
        """What it makes of images [B, C, H, W], without gradient."""
        with torch.no_grad():
            made: Tensor = self.history(images)
        return made


def histories(module: nn.Module) -> list[HistoryStudent]:
    """All history students inside `module`."""
    return [part for part in module.modules() if isinstance(part, HistoryStudent)]


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.named_parameters()) | dict(module.named_buffers())
