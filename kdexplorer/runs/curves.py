"""A run's log as tables: what a CSV file, a figure or a report is made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Cell = float | int | str | None


@dataclass(frozen=True)
class Table:
    """Named columns and rows of equal length."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """The table as CSV text, numbers in full; empty cells are missing values."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in self.rows)
        return text.getvalue()

    def column(self, name: str) -> list[Cell]:
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def effective(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The events that count: those after a point that was resumed from are trained, and told, again."""
    kept: list[Mapping[str, Any]] = []
    for event in events:
        if event.get("kind") == "resumed":
            step = event["step"]
            kept = [
                e for e in kept if e["step"] <= step or e.get("kind") not in ("step", "evaluated", "knob")
            ]
        kept.append(event)
    return kept


def quality(events: Sequence[Mapping[str, Any]]) -> Table:
    """One row an evaluation: step, then `<network> <metric>` for all students, the teacher and the input."""
    found = [event for event in events if event.get("kind") == "evaluated"]
    rows = [_scores(event) for event in found]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(
        ("step", *names),
        tuple((event["step"], *(row.get(name) for name in names)) for event, row in zip(found, rows, strict=True)),
    )  # fmt: skip


def losses(events: Sequence[Mapping[str, Any]]) -> Table:
    """One row a log point: step, learning rate, then each term's value and weight, by variant."""
    found = [event for event in events if event.get("kind") == "step"]
    terms = list(
        dict.fromkeys((v, term) for event in found for v, terms in event["losses"].items() for term in terms)
    )
    columns = [f"{variant} {term}{part}" for variant, term in terms for part in ("", " weight")]
    rows = []
    for event in found:
        points = [event["losses"].get(variant, {}).get(term) for variant, term in terms]
        values = [point and point[part] for point in points for part in ("value", "weight")]
        rows.append((event["step"], event["learning_rate"], *values))
    return Table(("step", "learning_rate", *columns), tuple(rows))


def verdicts(events: Sequence[Mapping[str, Any]]) -> Table:
    """One row a variant at each evaluation: its difference to the control with the 95 % interval."""
    keys = ("metric", "variant", "value", "control", "difference", "low", "high", "better", "worse", "total")
    return Table(
        ("step", *keys),
        tuple(
            (event["step"], *(verdict[key] for key in keys))
            for event in events
            if event.get("kind") == "evaluated"
            for verdict in event.get("verdicts", ())
        ),
    )


def knobs(events: Sequence[Mapping[str, Any]]) -> Table:
    """One row a knob that was turned."""
    keys = ("step", "knob", "old", "new")
    return Table(
        keys, tuple(tuple(event[key] for key in keys) for event in events if event.get("kind") == "knob")
    )


def _scores(event: Mapping[str, Any]) -> dict[str, float]:
    members = {**event["variants"], "teacher": event.get("teacher", {}), "input": event.get("input", {})}
    return {
        f"{name} {metric}": value for name, metrics in members.items() for metric, value in metrics.items()
    }
