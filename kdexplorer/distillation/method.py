"""What a distillation method is: a formula, and what it needs of the two networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.params import ConfigError
from kdexplorer.registry import Registry, Spec

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Signals:
    """What a method sees of one student and the teacher at one step.

    Attributes:
        student_output, teacher_output: logits [B, classes], or images [B, C, H, W].
        features: pairs (student, teacher) in the order of the term's layers, each [B, C, H, W],
            or tokens [B, N, C]; for a method that taps attention, [B, N, 3·dim] of the query, key and value.
        target: what the task asks for: labels int64 [B], label distributions [B, classes], or images.
        input: the batch as both networks got it, [B, C, h, w] in [0, 1].
        index: int64 [B], which of the training images these are; None where images are cut anew at every step.
        heads: by pair, (student, teacher) numbers of attention heads; empty for a method that taps none.
        seed: of everything random at this step: `generator(device, "<method>", seed)`.
        student, teacher: forward of the two networks, for methods that show them other images.
    """

    student_output: Tensor
    teacher_output: Tensor
    features: tuple[tuple[Tensor, Tensor], ...] = ()
    target: Tensor | None = None
    input: Tensor | None = None
    index: Tensor | None = None
    heads: tuple[tuple[int, int], ...] = ()
    seed: int = 0
    student: Callable[[Tensor], Tensor] | None = None
    teacher: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Pair:
    """A student and a teacher as a method must judge them before anything runs.

    Shapes are those of one image's output and features, without the batch.

    Attributes:
        heads: as in `Signals`.
        scale: output side ÷ input side.
        batch: images a step.
        samples: training images that `Signals.index` counts; 0 where there is no such number.
    """

    student_output: Shape
    teacher_output: Shape
    features: tuple[tuple[Shape, Shape], ...] = ()
    heads: tuple[tuple[int, int], ...] = ()
    scale: int = 1
    batch: int = 1
    samples: int = 0


Loss = Callable[[Signals, Mapping[str, Any], nn.Module | None], Tensor]


@dataclass(frozen=True, kw_only=True)
class MethodSpec(Spec):
    """A distillation method.

    Attributes:
        loss: (signals, checked params, learnable part or None) → a scalar, unweighted.
        formula: the formula in LaTeX.
        matches: what the student imitates, in a few words: "class probabilities", "feature maps", …
        knowledge: which part of a network that is: "responses", "features", "attention" or "relations"
            (arXiv 2006.05525, where attention is among the features).
        default_weight: the weight its authors use, or the one that fits beside the task's loss.
        restoration_weight: the same beside the loss of images in [0, 1], where its authors only classified: there it has
            a quarter of the gradient when *Denoise a photo* begins, and less later; None is `default_weight`.
        layers: which stages it taps when the config names none: "none", "last", "middle", "all", or "attention"
            for the query, key and value of the last attention block.
        learnable: (pair, checked params) → a module that is trained, saved and restored with the student, its
            buffers (a memory bank) included; or None.
        fits: pair → None, or why it does not fit, in words that say what to change.
        memory: (pair, checked params) → bytes beyond those of the two forward passes that a step needs.
        shows: (pair, checked params) → images that it shows each of the two networks at a step, beside the batch.
        pictures: (signals of one image, checked params, learnable part) → named images [1, C, H, W] in [0, 1] that
            show what it looks at; None where there is nothing to see.
        whole: its levels belong together: they cannot be balanced one by one.
        teacher_gradient: it differentiates the teacher's output by its features (never by its parameters).
        schedule: the kind of `Schedule` its authors give its weight: "constant" or "warmup".
        teacher: who teaches a new term of it, as in `TermConfig.teacher`.
    """

    loss: Loss
    formula: str
    matches: str = ""
    knowledge: str = "features"
    default_weight: float = 1.0
    restoration_weight: float | None = None
    layers: str = "none"
    learnable: Callable[[Pair, Mapping[str, Any]], nn.Module | None] | None = field(default=None)
    fits: Callable[[Pair], str | None] = lambda pair: None
    memory: Callable[[Pair, Mapping[str, Any]], int] = lambda pair, params: 0
    shows: Callable[[Pair, Mapping[str, Any]], int] = lambda pair, params: 0
    pictures: Callable[[Signals, Mapping[str, Any], nn.Module | None], list[tuple[str, Tensor]]] | None = None
    teacher_gradient: bool = False
    whole: bool = False
    schedule: str = "constant"
    teacher: str = "teacher"

    def weight_for(self, task: str) -> float:
        """The weight of a new term of it in a run of this task."""
        own = self.restoration_weight if task == "restoration" else None
        return self.default_weight if own is None else own


class DoesNotFit(ConfigError):
    """A method and what it is asked to compare; `reason` says why, in words that say what to change."""

    def __init__(self, spec: MethodSpec, what: str, reason: str) -> None:
        super().__init__(f"{spec.title} does not fit {what}: {reason}.")
        self.reason = reason


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
