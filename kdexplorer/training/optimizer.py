"""The update rule of a student, and how its learning rate moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kdexplorer.config import TrainingConfig


def optimizer_for(parameters: Sequence[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser of one student: fused, so that a step costs few kernel launches."""
    common: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=0.9, nesterov=True, **common)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, **common)


def learning_rate_factor(config: TrainingConfig, step: int) -> float:
    """What the schedule makes of the learning rate for the update that follows `step`.

    Steps beyond the configured ones (a run that was extended) go on at the schedule's last value.
    """
    progress = min(step / config.steps, 1.0)
    factor = 1.0
    if config.lr_schedule == "cosine":
        factor = 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2
    elif config.lr_schedule == "step":
        factor = 0.1 ** sum(progress >= mark for mark in (0.625, 0.75, 0.875))
    if step < config.warmup:
        factor *= (step + 1) / config.warmup
    return factor
