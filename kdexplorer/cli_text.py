"""What the command line shows a person: a progress bar, and runs and registries as lines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from kdexplorer.config import RunConfig
from kdexplorer.events import Evaluated, Event, RunResumed, RunStarted, StepLogged, StepsExtended
from kdexplorer.runs.run import Run


class Progress:
    """A bar on stderr that follows a run's events."""

    def __init__(self, config: RunConfig, *, quiet: bool) -> None:
        self._bar = tqdm(total=config.training.steps, unit="step", disable=quiet, dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, event: Event) -> None:
        """Move the bar to where the event says the run is."""
        if isinstance(event, RunStarted | StepsExtended):
            self._bar.total = event.steps
        if isinstance(event, StepLogged | RunResumed):
            self._bar.update(event.step - self._bar.n)
        if isinstance(event, Evaluated):
            first = {name: next(iter(metrics.items()), None) for name, metrics in event.variants.items()}
            text = "  ".join(f"{name} {pair[0]} {pair[1]:.4g}" for name, pair in first.items() if pair)
            self._bar.set_postfix_str(text)


def run_line(run: Run) -> str:
    """A run in one line: id, status, how far, when, name, verdict."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
    status = f"queued #{run.queue_position}" if run.queue_position else run.status
    words = " · ".join(word for word in (run.name, run.reason or run.verdict) if word)
    return f"{run.id}  {status:<11}  {run.step:>6}/{run.steps:<6}  {when}  {words}".rstrip()


def summary_lines(found: Mapping[str, Any]) -> list[str]:
    """A run's summary as a small table."""
    rows = [("", "parameters", *_metric_names(found))]
    members = [{"name": "input", "parameters": None, "metrics": found["input"]}] if found["input"] else []
    members += [{"name": "teacher", **found["teacher"]}] if found["teacher"] else []
    for member in [*members, *found["variants"]]:
        parameters, metrics = member["parameters"], member["metrics"]
        values = [f"{metrics[name]:.4f}" if name in metrics else "–" for name in rows[0][2:]]
        rows.append((member["name"], "–" if parameters is None else f"{parameters:,}", *values))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.append(
        f"{found['run_id']} {found['status']} after {found['steps']} steps, {found['seconds']:.1f} s"
    )
    others = [
        f"{name} ({teacher['model']}, {teacher['weights']})" for name, teacher in found["teachers"].items()
    ]
    lines += [f"further teachers: {', '.join(others)}"] if others else []
    return [*lines, *(verdict["sentence"] for verdict in found["verdicts"]), *found["notes"]]


def _metric_names(found: Mapping[str, Any]) -> list[str]:
    names: dict[str, None] = {}
    for variant in found["variants"]:
        names |= dict.fromkeys(variant["metrics"])
    return list(names)


def entry_lines(entry: Mapping[str, Any]) -> list[str]:
    """An entry of a registry: its id and summary, then each parameter with its default and bounds."""
    lines = [f"{entry['id']}: {entry.get('summary') or entry.get('title', '')}"]
    for param in entry.get("params") or ():
        if isinstance(param, Mapping):
            lines.append(f"    {param['name']} = {param['default']} {_bounds(param)}  {param['help']}")
    return lines


def _bounds(param: Mapping[str, Any]) -> str:
    if param["choices"]:
        return f"({' | '.join(map(str, param['choices']))})"
    if param["minimum"] is None and param["maximum"] is None:
        return f"({param['kind']})"
    if param["minimum"] is None:  # a text has a length
        return f"({param['kind']}, at most {param['maximum']:g} characters)"
    return f"({param['minimum']:g} … {param['maximum']:g}{param['unit'] and ' ' + param['unit']})"
