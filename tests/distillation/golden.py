"""Inputs and values that every published formula must hit; float64, framework-free derivations."""

import math

import torch
from torch import Tensor


def ramp(*shape: int) -> Tensor:
    return torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape)


STUDENT_LOGITS = 3 * torch.sin(0.7 * ramp(4, 5) + 0.3)
TEACHER_LOGITS = 4 * torch.cos(1.1 * ramp(4, 5) - 0.2)
STUDENT_FEATURE = 1.5 * torch.sin(0.37 * ramp(4, 3, 8, 8) + 0.1)
TEACHER_FEATURE = 2 * torch.cos(0.53 * ramp(4, 3, 8, 8) + 0.4)

SOFT_TARGETS_T4 = 4.460008475743977
ATTENTION_TRANSFER = 0.0026990337209466145
HINT = 3.165729504018594
