"""Which layer of the student is compared with which of the teacher when a person names none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from kdexplorer.config import LayerPair
from kdexplorer.distillation.method import Shape

Cost = tuple[float, float]


def propose_pairs(
    student: Mapping[str, Shape], teacher: Mapping[str, Shape], which: str
) -> tuple[LayerPair, ...]:
    """Pair named stages: by name, then by resolution, then by relative depth; never crossing, each once.

    A common name counts as long as the resolutions are within a factor of 2. Every stage of the shallower network
    finds a partner. "last" is the deepest of both.

    Args:
        student, teacher: shapes by stage name, from shallow to deep: (C, H, W), tokens (N, C) or vectors (C,).
        which: "none", "last", "middle" or "all".
    """
    if which == "none" or not student or not teacher:
        return ()
    if which == "last":
        return (LayerPair(student=[*student][-1], teacher=[*teacher][-1]),)
    flipped = len(student) > len(teacher)
    few, many = (teacher, student) if flipped else (student, teacher)
    found = _cheapest(list(few.items()), list(many.items()))
    pairs = [LayerPair(student=b if flipped else a, teacher=a if flipped else b) for a, b in found]
    return _chosen(pairs, which)


def pair_with_itself(stages: Sequence[str], which: str) -> tuple[LayerPair, ...]:
    """Pair every stage but the deepest with the deepest, which teaches them."""
    if which == "none" or len(stages) < 2:
        return ()
    return _chosen([LayerPair(student=name, teacher=stages[-1]) for name in stages[:-1]], which)


def propose_attention(student: Sequence[str], teacher: Sequence[str]) -> tuple[LayerPair, ...]:
    """Pair the last attention blocks, where both networks have any."""
    return (LayerPair(student=student[-1], teacher=teacher[-1]),) if student and teacher else ()


def _chosen(pairs: list[LayerPair], which: str) -> tuple[LayerPair, ...]:
    if which == "last":
        return (pairs[-1],)
    if which == "middle":
        return (pairs[(len(pairs) - 1) // 2],)
    return tuple(pairs)


def _cheapest(few: list[tuple[str, Shape]], many: list[tuple[str, Shape]]) -> list[tuple[str, str]]:
    """The order-preserving pairing of least cost; among equals the one that takes deeper layers of `many`."""
    best: dict[int, tuple[Cost, list[tuple[str, str]]]] = {-1: ((0.0, 0.0), [])}
    for i, (name, shape) in enumerate(few):
        now: dict[int, tuple[Cost, list[tuple[str, str]]]] = {}
        for j in range(i, len(many) - len(few) + i + 1):
            own = _cost(name, shape, *many[j], _depth(i, len(few)) - _depth(j, len(many)))
            before = min((best[k] for k in sorted(best, reverse=True) if k < j), key=lambda found: found[0])
            cost = (round(before[0][0] + own[0], 9), round(before[0][1] + own[1], 9))
            now[j] = (cost, [*before[1], (name, many[j][0])])
        best = now
    return min((best[j] for j in sorted(best, reverse=True)), key=lambda found: found[0])[1]


def _cost(name: str, shape: Shape, other: str, other_shape: Shape, apart: float) -> Cost:
    octaves = abs(math.log2(_side(shape) / _side(other_shape)))
    return (0.0 if name == other and octaves <= 1 else 1 + octaves), abs(apart)


def _depth(index: int, count: int) -> float:
    return index / (count - 1) if count > 1 else 1.0


def _side(shape: Shape) -> float:
    """Of a square of the same area: maps (C, H, W), tokens (N, C), vectors (C,)."""
    if len(shape) == 3:
        return math.sqrt(shape[1] * shape[2])
    return math.sqrt(shape[0]) if len(shape) == 2 else 1.0
