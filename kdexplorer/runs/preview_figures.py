"""What a run's last preview shows, as figures: restored pictures in a strip, or confusion matrices."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdexplorer.config import CONTROL
from kdexplorer.home import preview_path
from kdexplorer.preview_pictures import picture_path
from kdexplorer.runs.figures import as_png, plain

ROWS = 3  # pictures of a strip, one below the other
MOST_CLASSES = 30  # of a confusion matrix that can be read
PLACE = {"input": 0, "control": 1, "variant": 2, "teacher": 3, "target": 4}
_URI = "data:image/png;base64,"


def preview_figures(folder: Path) -> dict[str, bytes]:
    """PNG by file name of what the last preview of the run in `folder` shows; none where it holds no such thing."""
    steps = sorted(int(file.stem) for file in folder.glob(f"previews/{'[0-9]' * 8}.json"))
    if not steps:
        return {}
    try:  # an imported run's preview is whatever its file held
        preview = _read(folder, steps[-1], "")
        if preview.get("kind") == "restoration":
            return {"pictures.png": pictures_png(preview, folder)}
        confusion = _read(folder, steps[-1], "scores").get("confusion", {})
        if confusion and len(preview["classes"]) <= MOST_CLASSES:
            return {"confusion.png": confusion_png(confusion, preview["classes"], steps[-1])}
    except (OSError, KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration):
        pass
    return {}


def pictures_png(preview: Mapping[str, Any], folder: Path) -> bytes:
    """A row an image: input, control, the distilled students, teacher, target, each with its first metric."""
    import numpy as np
    from matplotlib.figure import Figure
    from PIL import Image

    items = preview["items"][:ROWS]
    columns = max(len(item["panels"]) for item in items)
    figure = Figure(figsize=(2.6 * columns, 3.0 * len(items) + 0.5), dpi=150, layout="constrained")
    grid = figure.subplots(len(items), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, item in zip(grid, items, strict=True):
        panels = sorted(item["panels"], key=lambda panel: PLACE.get(panel["role"], 2))
        for axes, panel in zip(row, panels, strict=False):
            with Image.open(io.BytesIO(_picture(panel["image"], folder))) as picture:
                axes.imshow(np.asarray(picture.convert("RGB")), interpolation="nearest")
            values = panel.get("metrics") or {}
            number = f"  {values['psnr']:.2f} dB" if "psnr" in values else ""
            axes.set_title(f"{plain(panel['name'])}{number}", fontsize=10)
        row[0].text(
            -0.04, 0.5, plain(item["name"]), rotation=90, va="center", ha="right", transform=row[0].transAxes
        )
    figure.supxlabel(
        f"after step {preview['step']:,}; {plain(preview['convention'])}", color="#59616b", fontsize=9
    )
    return as_png(figure)


def confusion_png(confusion: Mapping[str, Any], classes: Sequence[str], step: int) -> bytes:
    """The control's matrix beside those of the distilled students: rows are the true class, in % of its images."""
    import numpy as np
    from matplotlib.figure import Figure

    names = sorted((name for name in confusion if name != "teacher"), key=lambda name: name != CONTROL)
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.4 * columns, 5.2 * rows + 0.4), dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flat
    labels = [plain(str(name)) for name in classes]
    for axes, name in zip(grid, names, strict=False):
        counts = np.asarray(confusion[name], dtype=np.float64)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="cividis", vmin=0, vmax=100)
        for (i, j), share in np.ndenumerate(shares):
            if share and len(labels) <= 12:
                axes.text(j, i, f"{share:.0f}", ha="center", va="center", fontsize=8,
                          color="black" if share > 55 else "white")  # fmt: skip
        right = 100 * np.trace(counts) / counts.sum()
        axes.set_title(f"{plain(name)}: {right:.1f} % of {counts.sum():,.0f} right", fontsize=11)
        axes.set_xticks(range(len(labels)), labels, rotation=90)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("answer")
        axes.set_ylabel("true class")
    for axes in list(figure.axes)[len(names) :]:
        axes.set_axis_off()
    figure.supxlabel(
        f"after step {step:,}; held-out images, % of the true class", color="#59616b", fontsize=9
    )
    return as_png(figure)


def _read(folder: Path, step: int, part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(preview_path(folder, step, part).read_text(encoding="utf-8"))
    return found


def _picture(image: str, folder: Path) -> bytes:
    """A panel's picture, which is inside the preview or a file of its own."""
    if image.startswith(_URI):
        return base64.b64decode(image[len(_URI) :])
    path = picture_path(folder, image.rsplit("/", 1)[-1])
    if path is None:
        raise ValueError(image[:60])
    return path.read_bytes()
