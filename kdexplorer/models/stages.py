"""Names for layers: which ones feature distillation pairs, and which one Grad-CAM reads."""

from __future__ import annotations

from collections.abc import Sequence


def by_depth(paths: Sequence[str]) -> dict[str, str]:
    """Name layers of a restoration network, given from first to last: `shallow`, `middle`, `deep`.

    Two layers are `shallow` and `deep`; a single one is `deep`.
    """
    count = len(paths)
    if count < 3:
        return dict(zip(("shallow", "deep")[-count:], paths, strict=True))
    return {"shallow": paths[count // 3 - 1], "middle": paths[2 * count // 3 - 1], "deep": paths[-1]}


def numbered(paths: Sequence[str]) -> dict[str, str]:
    """Name layers of a classifier, given from first to last: `stage1`, `stage2`, …"""
    return {f"stage{index}": path for index, path in enumerate(paths, 1)}


def deepest_map(layers: Sequence[tuple[str, int]], size: int, side: int = 4) -> str:
    """The deepest of `layers` (path, stride) whose map is at least `side` wide on an input of `size` pixels.

    A class-activation map of 1 × 1 shows nothing; an earlier layer still does. `size` 0 takes the last layer.
    """
    if size:
        for path, stride in reversed(layers):
            if size // stride >= side:
                return path
        return layers[0][0]
    return layers[-1][0]
