"""What a distillation method is: a formula, and what it needs of the two networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.registry import Registry, Spec

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Signals:
    """What a method sees of one student and the teacher at one step.

    Attributes:
        student_output, teacher_output: logits [B, classes], or images [B, C, H, W].
        features: pairs (student, teacher) in the order of the term's layers, each [B, C, H, W].
        target: what the task asks for: labels int64 [B], label distributions [B, classes], or images.
    """

    student_output: Tensor
    teacher_output: Tensor
    features: tuple[tuple[Tensor, Tensor], ...] = ()
    target: Tensor | None = None


@dataclass(frozen=True)
class Pair:
    """A student and a teacher as a method must judge them before anything runs.

    Shapes are those of one image's output and features, without the batch.
    """

    student_output: Shape
    teacher_output: Shape
    features: tuple[tuple[Shape, Shape], ...] = ()


Loss = Callable[[Signals, Mapping[str, Any], nn.Module | None], Tensor]


@dataclass(frozen=True, kw_only=True)
class MethodSpec(Spec):
    """A distillation method.

    Attributes:
        loss: (signals, checked params, learnable part or None) → a scalar, unweighted.
        formula: the formula in LaTeX.
        default_weight: the weight its authors use, or the one that fits beside the task's loss.
        layers: which stages it taps when the config names none: "none", "last", "middle" or "all".
        learnable: (pair, checked params) → a module that is trained, saved and restored with the student; or None.
        fits: pair → None, or why it does not fit, in words that say what to change.
    """

    loss: Loss
    formula: str
    default_weight: float = 1.0
    layers: str = "none"
    learnable: Callable[[Pair, Mapping[str, Any]], nn.Module | None] | None = field(default=None)
    fits: Callable[[Pair], str | None] = lambda pair: None


METHODS: Registry[MethodSpec] = Registry("methods", "kdexplorer.distillation.methods")


def full_precision(x: Tensor) -> Tensor:
    """At least float32: squares and Gram matrices overflow in half precision, and small ε vanish."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def same_size(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Pool the larger of two feature maps [B, C, H, W] to the smaller one's H, W."""
    height = min(student.shape[-2], teacher.shape[-2])
    width = min(student.shape[-1], teacher.shape[-1])

    def pooled(x: Tensor) -> Tensor:
        return x if x.shape[-2:] == (height, width) else F.adaptive_avg_pool2d(x, (height, width))

    return pooled(student), pooled(teacher)


def same_logits(pair: Pair) -> str | None:
    """Both outputs must be logits over the same classes."""
    if len(pair.student_output) != 1 or len(pair.teacher_output) != 1:
        return "it compares class probabilities, and this task has none"
    if pair.student_output != pair.teacher_output:
        classes = f"{pair.student_output[0]} and {pair.teacher_output[0]}"
        return (
            f"student and teacher tell {classes} classes apart: choose a teacher with the student's classes"
        )
    return None


def same_images(pair: Pair) -> str | None:
    """Both outputs must be images of the same size."""
    if len(pair.student_output) != 3 or len(pair.teacher_output) != 3:
        return "it compares images, and this task's networks do not make any"
    if pair.student_output != pair.teacher_output:
        return "the teacher's output has another size or channel count: choose a teacher of the same scale"
    return None


def feature_maps(pair: Pair) -> str | None:
    """All paired layers must give maps [C, H, W]."""
    if not pair.features:
        return "it compares feature maps: choose at least one pair of layers"
    for student, teacher in pair.features:
        if len(student) != 3 or len(teacher) != 3:
            return "it compares feature maps [C, H, W], and a chosen layer gives none: choose a convolutional layer"
    return None
