"""The log of `benchmarks/methods.py` and the tables made of it. A line a finished cell, so that a run can go on.

Cells: {kind: "gain", setting, steps, method, seed, value, control, difference}, {kind: "time" or "memory", setting,
method, ratio} (÷ the control's) and {kind: "refused", setting, method, reason}.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

# Two-sided 95 % quantiles of Student's t by degrees of freedom.
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
UNITS = {"shapes": "points", "cifar": "points", "denoise": "dB"}

Cell = dict[str, Any]


class Log:
    """Finished cells, in a file of JSON lines where one is given."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.cells: list[Cell] = []
        if file is not None and file.exists():
            lines = file.read_text(encoding="utf-8").splitlines()
            self.cells = [json.loads(line) for line in lines if line.strip()]

    def add(self, **cell: Any) -> None:
        self.cells.append(cell)
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(cell) + "\n")

    def find(self, **wanted: Any) -> list[Cell]:
        """The cells that have these values."""
        return [cell for cell in self.cells if all(cell.get(key) == wanted[key] for key in wanted)]


def interval(values: list[float]) -> tuple[float, float]:
    """Mean, and half of its 95 % t-interval; infinite for one value."""
    if len(values) < 2:
        return values[0], float("inf")
    half = T95[min(len(values) - 1, 9)] * statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values), half


def table(log: Log, setting: str, steps: int, titles: dict[str, str]) -> str:
    """The table of one setting; `titles` by method, in the order of its rows."""
    gains = {method: log.find(kind="gain", setting=setting, steps=steps, method=method) for method in titles}
    seen = [cell for cells in gains.values() for cell in cells]
    if not seen:
        return f"### {setting}, {steps} steps\n\nNothing is in the log yet."
    controls = {cell["seed"]: cell["control"] for cell in seen}
    unit = UNITS[setting]
    level, digits = statistics.fmean(controls.values()), 2 if unit == "dB" else 1
    shown = f"{level:.{digits}f} {'dB' if unit == 'dB' else '%'}"
    seeds = f"{len(controls)} seed{'s' if len(controls) > 1 else ''}"
    lines = [
        f"### {setting}: {steps} steps, {seeds}, control {shown}",
        "",
        f"| Method | − control ({unit}) | 95 % over seeds | Time a step | Peak memory |",
        "|---|---:|:---:|---:|---:|",
    ]
    for method, cells in gains.items():
        if cells:
            costs = [log.find(kind=kind, setting=setting, method=method) for kind in ("time", "memory")]
            lines.append(f"| {titles[method]} | {_row(cells, costs)} |")
    reasons = [cell for cell in log.find(kind="refused", setting=setting) if cell["method"] in titles]
    if reasons:
        lines += ["", *[f"- {titles[cell['method']]}: {cell['reason']}" for cell in reasons]]
    return "\n".join(lines)


def _row(cells: list[Cell], costs: list[list[Cell]]) -> str:
    mean, half = interval([cell["difference"] for cell in cells])
    between = f"{mean - half:+.2f} … {mean + half:+.2f}" if len(cells) > 1 else "one seed"
    price = [f"×{found[-1]['ratio']:.2f}" if found else "" for found in costs]
    return " | ".join([f"{mean:+.2f}", between, *price]).replace("-", "−")
