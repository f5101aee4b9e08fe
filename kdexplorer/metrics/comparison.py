"""Is one network better than another on the same images? NumPy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 4_000_000  # numbers drawn at once


def paired_bootstrap(
    a: Sequence[float] | NDArray[Any],
    b: Sequence[float] | NDArray[Any],
    *,
    seed: int = 0,
    samples: int = 2000,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Mean of a − b over images, and its percentile interval (Efron, Annals of Statistics 1979).

    Args:
        a, b: a score an image, in the same order.
        samples: how often the images are drawn again, with replacement.
        level: share of the resampled means inside the interval.

    Raises:
        ValueError: the scores differ in number, are none, or are not finite.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or first.size == 0:
        raise ValueError(f"expected as many scores twice, at least one; got {first.shape} and {second.shape}")
    difference = first - second
    if not np.isfinite(difference).all():
        raise ValueError("scores must be finite")
    generator = np.random.default_rng(seed)
    chunk = max(1, CHUNK // difference.size)
    means = [
        difference[
            generator.integers(difference.size, size=(min(chunk, samples - done), difference.size))
        ].mean(1)
        for done in range(0, samples, chunk)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)


def fixed(value: float, digits: int, sign: str = "") -> str:
    """A number with so many digits after the point, halves away from 0 as a browser rounds them; `sign`: `+` or none."""
    if not math.isfinite(value):
        return str(value)
    rounded = Decimal(value + 0.0).quantize(Decimal((0, (1,), -digits)), ROUND_HALF_UP)
    return f"{rounded:{sign}f}"


def shown_digits(digits: int, low: float, high: float) -> int:
    """At least `digits`, and more where an interval's ends would look alike, or a clear difference like none."""
    clear = low > 0 or high < 0
    for enough in range(digits, digits + 4):
        ends = float(fixed(low, enough)), float(fixed(high, enough))
        if (ends[0] != ends[1] or low == high) and not (clear and 0 in ends):
            return enough
    return digits + 4
