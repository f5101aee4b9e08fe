"""Curves to be laid over each other: one quantity of a run, thinned before it is read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kdexplorer.runs.run import StoredEvent
from kdexplorer.runs.store import Store

LOSS = "loss"  # the task's loss, which every student has
POINTS = 300  # of one curve

_ON, _OFF = ("started", "resumed"), ("queued", "paused", "finished", "failed")


def overlay(store: Store, run_id: str, quantity: str, points: int = POINTS) -> dict[str, Any]:
    """At most `points` points of a metric by its id, or of the task's loss (`LOSS`).

    Returns:
        {"step": [int], "seconds": [float] spent at work since the start, "variants": {name: [float or None]},
        "teacher": its last score, or None}
    """
    marks = store.events(run_id, kinds=_ON + _OFF)
    with store.database.reading() as connection:
        found = _read(connection, run_id, "step" if quantity == LOSS else "evaluated", points)
    kept = _without_repeated(found, marks)
    values = [_values(stored.event, quantity) for stored in kept]
    names = list(dict.fromkeys(name for row in values for name in row))
    clock = _Clock(marks)
    return {
        "step": [stored.event["step"] for stored in kept],
        "seconds": [round(clock.at(stored.time), 3) for stored in kept],
        "variants": {name: [row.get(name) for row in values] for name in names},
        "teacher": next(
            (
                stored.event["teacher"][quantity]
                for stored in reversed(kept)
                if quantity in (stored.event.get("teacher") or {})
            ),
            None,
        ),
    }


def thinned(items: Sequence[int], most: int) -> list[int]:
    """At most `most` of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def _read(connection: sqlite3.Connection, run_id: str, kind: str, points: int) -> list[StoredEvent]:
    """At most `points` events of a kind. Their numbers come from the index, so that few events are read."""
    sparse = "SELECT seq FROM events INDEXED BY events_but_steps WHERE run_id = ? AND kind <> 'step'"
    if kind == "step":
        others = {row[0] for row in connection.execute(sparse, (run_id,))}
        last = connection.execute("SELECT seq FROM runs WHERE id = ?", (run_id,)).fetchone()
        numbers = [seq for seq in range(1, (last[0] if last else 0) + 1) if seq not in others]
    else:
        numbers = [
            row[0] for row in connection.execute(f"{sparse} AND kind = ? ORDER BY seq", (run_id, kind))
        ]
    chosen = thinned(numbers, points)
    marks = ", ".join("?" * len(chosen))
    rows = connection.execute(
        f"SELECT seq, time, event FROM events WHERE run_id = ? AND seq IN ({marks}) ORDER BY seq",
        (run_id, *chosen),
    )
    return [StoredEvent(seq, at, json.loads(event)) for seq, at, event in rows]


def _without_repeated(found: Iterable[StoredEvent], marks: Iterable[StoredEvent]) -> list[StoredEvent]:
    """Leave out what was trained again after a checkpoint was gone back to."""
    resumed = [(mark.seq, mark.event["step"]) for mark in marks if mark.event["kind"] == "resumed"]
    return [
        stored
        for stored in found
        if not any(stored.seq < seq and stored.event["step"] > step for seq, step in resumed)
    ]


def _values(event: Mapping[str, Any], quantity: str) -> dict[str, float]:
    if quantity == LOSS:
        return {name: terms["task"]["value"] for name, terms in event["losses"].items() if "task" in terms}
    return {name: scores[quantity] for name, scores in event["variants"].items() if quantity in scores}


class _Clock:
    """Seconds at work: waiting in the queue, pauses and lost time left out."""

    def __init__(self, marks: Iterable[StoredEvent]) -> None:
        self._spans: list[tuple[float, float]] = []
        began: float | None = None
        for mark in marks:
            on = mark.event["kind"] in _ON
            if on and began is None:
                began = mark.time
            elif not on and began is not None:
                self._spans.append((began, mark.time))
                began = None
        if began is not None:
            self._spans.append((began, float("inf")))

    def at(self, time: float) -> float:
        return sum(min(time, end) - begin for begin, end in self._spans if time > begin)
