"""Which context the networks of a run use to restore a patch: local attribution maps (LAM) side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from kdexplorer.attribution.algorithms.local_attribution import Patch, local_attribution
from kdexplorer.metrics.alignment import cosine, top_overlap, without_evidence
from kdexplorer.metrics.diffusion import diffusion_index
from kdexplorer.params import ConfigError
from kdexplorer.tasks import Example
from kdexplorer.tasks.picture import data_uri, heat
from kdexplorer.tasks.tiles import ALIGN
from kdexplorer.training.attributions import Named

WINDOW = (
    96  # pixels of the input, a side, that are looked at: the diffusion index depends on how many there are
)
LEAST = 4  # pixels of a patch, a side


@dataclass(frozen=True)
class Window:
    """A part of the input, in its pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Tensor, scale: int = 1) -> Tensor:
        """The part of [..., H, W], or of that image enlarged by `scale`."""
        rows = slice(self.top * scale, (self.top + self.height) * scale)
        return image[..., rows, self.left * scale : (self.left + self.width) * scale]


def window_around(patch: Patch, height: int, width: int, scale: int) -> Window:
    """What is looked at of an input of `height` × `width`: `WINDOW` pixels a side around the patch, or all there are.

    Raises:
        ConfigError: the patch is too small or too large, or does not lie in the restored image.
    """
    most = min(WINDOW, height, width) * scale // 2
    if not LEAST <= patch.side <= most:
        raise ConfigError(f"patch: choose a square of {LEAST} to {most} pixels a side.")
    if not (0 <= patch.top <= height * scale - patch.side and 0 <= patch.left <= width * scale - patch.side):
        raise ConfigError(f"patch: choose a square inside the {width * scale} × {height * scale} pixels.")
    top, rows = _span((patch.top + patch.side / 2) / scale, height)
    left, columns = _span((patch.left + patch.side / 2) / scale, width)
    return Window(top, left, rows, columns)


def _span(middle: float, side: int) -> tuple[int, int]:
    length = min(side, WINDOW)
    start = min(max(0, round(middle - length / 2)), side - length)
    aligned = start // ALIGN * ALIGN  # networks fold pixels into channels
    return aligned, length + start - aligned


def local_maps(
    networks: Sequence[Named],
    example: Example,
    patch: Patch,
    scale: int,
    known: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """|LAM| summed over channels and divided by its maximum, float [1, H, W] in [0, 1] on the CPU, by network.

    Args:
        patch: in pixels of the restored image.
        known: maps of these networks for the same patch, which are not computed anew.

    Raises:
        ConfigError: the patch is too small or too large, or does not lie in the restored image.
    """
    height, width = example.input.shape[-2:]
    window = window_around(patch, height, width, scale)
    image = window.cut(example.input)[0]
    inside = Patch(patch.top - window.top * scale, patch.left - window.left * scale, patch.side)
    found = dict(known or {})
    for _, name, network in networks:
        if name not in found:
            values = local_attribution(network.module, image, inside).sum(0, keepdim=True).abs().cpu()
            if not values.isfinite().all():
                raise ConfigError("The networks' maps are not finite at this step.")
            peak = values.max()
            found[name] = values / peak if peak > 0 else values
    return found


def likeness(a: Tensor, b: Tensor) -> dict[str, float | None]:
    """{cosine, overlap} of two maps [1, H, W]; None where a map has no such score.

    The overlap is over the pixels that one of the two uses at all: what lies beyond both receptive fields is tied at
    zero and says nothing.
    """
    used = (a + b) > 0
    scores = (
        {"cosine": cosine(a, b), "overlap": top_overlap(a[used][None], b[used][None])} if used.any() else {}
    )
    return {name: _number(float(scores[name])) if name in scores else None for name in ("cosine", "overlap")}


def local_attributions(
    maps: Mapping[str, Tensor], networks: Sequence[Named], example: Example, patch: Patch, scale: int
) -> dict[str, Any]:
    """Maps as a page shows them: {caption, picture, size, window, counted, patch, panels, alignment}.

    `picture` is the input in the window; `counted` is [width, height] of the maps, in pixels of the input; `size` is [width, height] of the whole picture, `window` [left, top, width,
    height] and `patch` {left, top, side}, in its pixels. Panels are {role, name, map, diffusion}, {empty} where no
    pixel counts; colours show the square root of a map, so that faint context is seen. Alignment is each student's
    `likeness` to the teacher.
    """
    height, width = example.input.shape[-2:]
    window = window_around(patch, height, width, scale)
    panels = [
        {
            "role": role,
            "name": name,
            "map": data_uri(heat(maps[name][0].sqrt())),
            "diffusion": _number(float(diffusion_index(maps[name]))),
            "empty": bool(without_evidence(maps[name]).all()),
        }
        for role, name, _ in networks
    ]
    return {
        "caption": example.caption,
        "picture": data_uri(window.cut(example.picture, scale)),
        "size": list(example.picture.shape[:-3:-1]),
        "window": [scale * side for side in (window.left, window.top, window.width, window.height)],
        "counted": [window.width, window.height],
        "patch": {"left": patch.left, "top": patch.top, "side": patch.side},
        "panels": panels,
        "alignment": {
            name: likeness(maps[name], maps["teacher"])
            for _, name, _ in networks
            if name != "teacher" and "teacher" in maps
        },
    }


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
