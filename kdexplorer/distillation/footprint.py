"""How many bytes a method's intermediate tensors take in float32."""

from __future__ import annotations

import math

from kdexplorer.distillation.method import Pair, Shape

FLOAT = 4


def tensor_bytes(*shape: int) -> int:
    """Bytes of one float32 tensor."""
    return FLOAT * math.prod(shape)


def matched_shape(student: Shape, teacher: Shape) -> Shape:
    """(C, H, W) of two maps once they agree: the teacher's channels, the smaller one's sides."""
    return teacher[0], min(student[1], teacher[1]), min(student[2], teacher[2])


def matched_map_bytes(pair: Pair, copies: int) -> int:
    """Bytes of `copies` tensors, for a whole batch, as large as each pair of maps once they agree."""
    return sum(copies * tensor_bytes(pair.batch, *matched_shape(s, t)) for s, t in pair.features)
