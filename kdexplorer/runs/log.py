"""The log of a run, and what each event changes in the run's row."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from kdexplorer.events import (
    CostMeasured,
    Evaluated,
    Event,
    RunFailed,
    RunFinished,
    RunPaused,
    RunQueued,
    RunResumed,
    RunStarted,
    StepLogged,
    StepsExtended,
)
from kdexplorer.runs.database import StoreError


class LostRun(StoreError):
    """Another worker took the run over, or it was deleted: stop writing to it."""


def append_events(
    connection: sqlite3.Connection, run_id: str, events: Sequence[Event], worker: str | None = None
) -> None:
    """Add to a run's log and bring its row up to date, inside the caller's transaction.

    Raises:
        LostRun: the run is gone, or `worker` is given and does not hold it any more.
    """
    row = connection.execute("SELECT seq, worker FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None or (worker is not None and row[1] != worker):
        raise LostRun(f"Run {run_id} was deleted, or another worker took it over.")
    seq, now = int(row[0]), time.time()
    changes: dict[str, Any] = {}
    rows = []
    for event in events:
        seq += 1
        changes |= _changes(event, now)
        kind = getattr(event, "kind", "")
        rows.append((run_id, seq, now, kind, event.model_dump_json()))
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
    changes["seq"] = seq
    columns = ", ".join(f"{name} = :{name}" for name in changes)
    connection.execute(f"UPDATE runs SET {columns} WHERE id = :id", {**changes, "id": run_id})


def _changes(event: Event, now: float) -> dict[str, Any]:
    """What an event says about its run's row."""
    match event:
        case RunQueued():
            return {"status": "queued", "ended": None, "reason": "", "advice": ""}
        case RunStarted():
            return {"status": "running", "started": now, "ended": None, "steps": event.steps}
        case StepLogged():
            return {"step": event.step, "steps_per_second": event.steps_per_second}
        case Evaluated():
            return {"step": event.step, "results": event.model_dump_json(exclude={"extra", "kind"})}
        case RunPaused():
            return {"status": "paused", "step": event.step}
        case RunResumed():
            return {"status": "running", "step": event.step}
        case StepsExtended():
            return {"steps": event.steps}
        case CostMeasured():
            return {"cost": event.model_dump_json(include={"networks"})}
        case RunFinished():
            status = "finished" if event.reason == "completed" else "stopped"
            return {"status": status, "step": event.step, "ended": now}
        case RunFailed():
            return {"status": "failed", "ended": now, "reason": event.reason, "advice": event.advice}
    return {}
