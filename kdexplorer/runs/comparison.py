"""Runs side by side: how each was measured, what was asked for, how it came out, what it costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kdexplorer.runs.run import Run
from kdexplorer.runs.seeds import t_interval
from kdexplorer.runs.settings import Value, settings
from kdexplorer.runs.store import Store

_TESTED_ON = ("data.source", "data.held_out", "data.held_out_crop", "data.degradations")


def facts(store: Store, run: Run) -> dict[str, Any]:
    """One run as a comparison reads it, as JSON.

    `measure` is equal for runs whose scores may share an axis (task, metric, unit and convention), None before
    the first score; `test` is equal where they were tested on the same data.
    """
    config = run.settings
    found = settings(config)
    metrics = _metrics(store, run)
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "batch": run.batch,
        "seed": (config.get("training") or {}).get("seed"),
        "step": run.step,
        "steps": run.steps,
        "created": run.created,
        "tags": run.tag_list,
        "note": run.note,
        "task": config.get("task"),
        "source": ((config.get("data") or {}).get("source") or {}).get("id"),
        "metrics": metrics,
        "measure": measure(config, metrics),
        "test": json.dumps([(s.path, s.value) for s in found if s.path.startswith(_TESTED_ON)]),
        "settings": {setting.path: setting.value for setting in found},
        "defaults": [setting.path for setting in found if setting.default],
        "turned": len(store.events(run.id, kinds=("knob",))),
        "scores": {key: run.results.get(key, {}) for key in ("variants", "teacher", "input")},
        "verdicts": run.results.get("verdicts", []),
        "cost": run.cost,
    }


def measure(config: dict[str, Any], metrics: Sequence[dict[str, Any]]) -> str | None:
    """What must be equal for two runs' scores to share an axis."""
    if not metrics:
        return None
    first = metrics[0]
    return "|".join(
        str(part) for part in (config.get("task"), first["id"], first["unit"], first["convention"])
    )


def batches(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For runs started together with several seeds: the mean difference to the control and its interval.

    Only runs that did all their steps count; at least two must have. One entry a batch and variant.
    """
    answers = []
    for batch in dict.fromkeys(run["batch"] for run in found if run["batch"]):
        members = [run for run in found if run["batch"] == batch]
        done = [run for run in members if run["status"] == "finished"]
        verdicts = [verdict for run in done for verdict in run["verdicts"]]
        for variant in dict.fromkeys(verdict["variant"] for verdict in verdicts):
            own = [verdict for verdict in verdicts if verdict["variant"] == variant]
            if len(own) < 2:
                continue
            mean, low, high = t_interval([verdict["difference"] for verdict in own])
            answers.append(
                {"batch": batch, "variant": variant, "metric": own[0]["metric"], "count": len(own),
                 "members": len(members), "difference": mean, "low": low, "high": high,
                 "value": sum(v["value"] for v in own) / len(own),
                 "control": sum(v["control"] for v in own) / len(own)}
            )  # fmt: skip
    return answers


def varied(store: Store, runs: Sequence[Run]) -> dict[str, Any]:
    """Many runs as one table: the settings in which they differ, and how each came out.

    Returns:
        {"paths": [...], "runs": [{"id", "name", "batch", "measure", "metric", "test", "variant", "value",
        "difference", "values": [a value a path, None where the run has none]}]}; runs without a verdict are left out.
    """
    tables: list[tuple[Run, dict[str, Value]]] = [
        (run, {setting.path: setting.value for setting in settings(run.settings)})
        for run in runs
        if run.results.get("verdicts")
    ]
    paths = list(dict.fromkeys(path for _, table in tables for path in table))
    varying = [path for path in paths if len({json.dumps(table.get(path)) for _, table in tables}) > 1]
    rows = []
    for run, table in tables:
        verdict, metrics = run.results["verdicts"][0], _metrics(store, run)
        rows.append(
            {"id": run.id, "name": run.name, "batch": run.batch, "measure": measure(run.settings, metrics),
             "metric": metrics[0] if metrics else None, "variant": verdict["variant"], "value": verdict["value"],
             "test": json.dumps([(p, v) for p, v in table.items() if p.startswith(_TESTED_ON)]),
             "difference": verdict["difference"], "values": [table.get(path) for path in varying]}
        )  # fmt: skip
    return {"paths": varying, "runs": rows}


def _metrics(store: Store, run: Run) -> list[dict[str, Any]]:
    started = store.last(run.id, "started")
    return list(started.event["metrics"]) if started else []
