"""A student and a teacher that fit a method, small enough to look at: for tests over the whole registry."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kdexplorer.distillation import MethodSpec, Pair, Signals

CLASSES, SCALE, SIDE, SAMPLES = 5, 2, 8, 40
STUDENT_MAP, TEACHER_MAP = (4, 8, 8), (6, 8, 8)
STUDENT_TOKENS, TEACHER_TOKENS, HEADS = (9, 24), (9, 48), (2, 4)


@dataclass(frozen=True)
class StandIn:
    """`leaves` are what the student learns by; `teacher` what must stay without gradient."""

    signals: Signals
    pair: Pair
    leaves: tuple[Tensor, ...]
    teacher: tuple[Tensor, ...]


def stand_in(method: MethodSpec, *, dtype: torch.dtype = torch.float32, batch: int = 4) -> StandIn:
    """Random signals for `method` in `dtype`; all tensors of the student and its features require a gradient."""
    restores = "restoration" in method.tasks and "classification" not in method.tasks
    draws = torch.Generator().manual_seed(0)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draws).to(dtype).requires_grad_()

    shapes: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()
    if method.layers == "attention":
        shapes = ((STUDENT_TOKENS, TEACHER_TOKENS),)
    elif method.layers != "none":
        shapes = ((STUDENT_MAP, TEACHER_MAP),) * 2
    students = [leaf(batch, *s) for s, _ in shapes]
    teachers = [leaf(batch, *t).requires_grad_(method.teacher_gradient) for _, t in shapes]
    heads = ((HEADS[0], HEADS[1]),) if method.layers == "attention" else ()
    images = torch.rand(batch, 3, SIDE, SIDE, generator=draws).to(dtype)
    if restores:
        own, theirs = leaf(3, 1, 1), leaf(3, 1, 1).requires_grad_(False)
        target = torch.rand(batch, 3, SCALE * SIDE, SCALE * SIDE, generator=draws).to(dtype)
        signals = Signals(
            enlarge(images, own), enlarge(images, theirs), tuple(zip(students, teachers, strict=True)), target,
            images, heads=heads, seed=3, student=lambda x: enlarge(x, own), teacher=lambda x: enlarge(x, theirs),
        )  # fmt: skip
        output: tuple[int, ...] = (3, SCALE * SIDE, SCALE * SIDE)
    else:
        own, theirs = leaf(batch, CLASSES), leaf(batch, CLASSES).requires_grad_(method.teacher_gradient)
        signals = Signals(
            classify(students, own), classify(teachers, theirs), tuple(zip(students, teachers, strict=True)),
            torch.arange(batch) % CLASSES, images, torch.arange(batch), heads, seed=3,
        )  # fmt: skip
        output = (CLASSES,)
    pair = Pair(output, output, shapes, heads, SCALE if restores else 1, batch, 0 if restores else SAMPLES)
    return StandIn(signals, pair, (*students, own) if not shapes else tuple(students), (*teachers, theirs))


def enlarge(images: Tensor, gain: Tensor) -> Tensor:
    """[B, 3, H, W] → [B, 3, 2H, 2W], by repetition and a gain a channel."""
    return images.repeat_interleave(SCALE, -1).repeat_interleave(SCALE, -2) * (1 + gain)


def classify(features: list[Tensor], logits: Tensor) -> Tensor:
    """Logits [B, classes] that depend on every feature, in another way on each channel."""
    for feature in features:
        pooled = feature.square().flatten(2).mean(2)
        mixing = torch.cos(torch.arange(pooled.shape[1] * CLASSES)).view(-1, CLASSES).to(pooled.dtype)
        logits = logits + pooled @ mixing
    return logits
