"""Which layer of the student is compared with which of the teacher when a person names none."""

from __future__ import annotations

from collections.abc import Sequence

from kdexplorer.config import LayerPair


def pair_stages(student: Sequence[str], teacher: Sequence[str], which: str) -> tuple[LayerPair, ...]:
    """Pair named stages by their relative depth.

    Args:
        student, teacher: stage names from shallow to deep.
        which: "none", "last", "middle" or "all".
    """
    if which == "none" or not student or not teacher:
        return ()
    few = min(len(student), len(teacher))

    def spread(stages: Sequence[str]) -> list[str]:
        if few == 1:
            return [stages[-1]]
        return [stages[round(i * (len(stages) - 1) / (few - 1))] for i in range(few)]

    pairs = [LayerPair(student=s, teacher=t) for s, t in zip(spread(student), spread(teacher), strict=True)]
    if which == "last":
        return (pairs[-1],)
    if which == "middle":
        return (pairs[(len(pairs) - 1) // 2],)
    return tuple(pairs)
