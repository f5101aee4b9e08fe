"""Distillation: pure loss functions, the registered methods around them, and the objective that sums them."""

from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals
from kdexplorer.distillation.methods.attention_transfer import attention_transfer_loss
from kdexplorer.distillation.methods.hint import hint_loss
from kdexplorer.distillation.methods.response import reconstruction_loss
from kdexplorer.distillation.methods.soft_targets import soft_target_loss
from kdexplorer.distillation.objective import Objective

__all__ = [
    "METHODS",
    "MethodSpec",
    "Objective",
    "Pair",
    "Signals",
    "attention_transfer_loss",
    "hint_loss",
    "reconstruction_loss",
    "soft_target_loss",
]
