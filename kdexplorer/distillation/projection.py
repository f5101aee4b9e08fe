"""Projectors: what brings a student's features to the teacher's channels."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from kdexplorer.distillation.method import Pair, Shape


def projector(kind: str, student: Shape, teacher: Shape) -> nn.Module:
    """A learned map from features of shape `student` to `teacher`'s channels; the places stay.

    Args:
        kind: "conv", "conv_norm" or "mlp" (two layers with a ReLU between).
        student, teacher: (C, H, W), or tokens (N, C), or vectors (C,); for the latter two a convolution is linear.
    """
    inside, outside = _channels(student), _channels(teacher)
    maps = len(student) == 3

    def layer(a: int, b: int, *, bias: bool = True) -> nn.Module:
        return nn.Conv2d(a, b, kernel_size=1, bias=bias) if maps else nn.Linear(a, b, bias=bias)

    if kind == "mlp":
        return nn.Sequential(layer(inside, outside), nn.ReLU(), layer(outside, outside))
    if kind == "conv_norm":
        norm = nn.BatchNorm2d(outside) if maps else nn.LayerNorm(outside)
        return nn.Sequential(layer(inside, outside, bias=False), norm)
    return layer(inside, outside)


def projectors(kind: str, pair: Pair) -> nn.ModuleList:
    """One projector for each pair of layers."""
    return nn.ModuleList(projector(kind, student, teacher) for student, teacher in pair.features)


def projected(pair: Pair) -> Pair:
    """What a method sees of `pair` behind projectors."""
    features = []
    for student, teacher in pair.features:
        shape = (
            (_channels(teacher), *student[1:]) if len(student) == 3 else (*student[:-1], _channels(teacher))
        )
        features.append((shape, teacher))
    return replace(pair, features=tuple(features))


def _channels(shape: Shape) -> int:
    return shape[0] if len(shape) == 3 else shape[-1]
