"""Runs side by side: how each was measured, what was asked for, how it came out, what it costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kdexplorer.runs.run import Run
from kdexplorer.runs.seeds import t_interval
from kdexplorer.runs.settings import Setting, Value, settings
from kdexplorer.runs.store import Store

_TESTED_ON = ("data.source", "data.held_out", "data.held_out_crop", "data.degradations")


def facts(store: Store, run: Run) -> dict[str, Any]:
    """One run as a comparison reads it, as JSON.

    `measure` is equal for runs whose scores may share an axis (task, metric, unit and convention), None before
    the first score; `test` is equal where they were tested on the same data.
    """
    config = run.settings
    found = settings(config)
    started = _started(store, run)
    metrics = list(started.get("metrics", ()))
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
        "variants": [variant.get("name") for variant in config.get("variants") or []],
        "task": config.get("task"),
        "source": ((config.get("data") or {}).get("source") or {}).get("id"),
        "metrics": metrics,
        "measure": measure(config, metrics),
        "test": json.dumps([(s.path, s.value) for s in found if s.path.startswith(_TESTED_ON)]),
        "settings": {setting.path: setting.value for setting in found},
        "titles": {setting.path: setting.title for setting in found},
        "defaults": [setting.path for setting in found if setting.default],
        "turned": len(store.events(run.id, kinds=("knob",))),
        "scores": {key: run.results.get(key, {}) for key in ("variants", "teacher", "input")},
        "evaluated": run.results.get("step", 0),
        "verdicts": _verdicts(run),
        "cost": run.cost or _sizes(started),
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
    """Many runs as one table, a row a run and variant: the settings in which they differ, and how each came out.

    A variant's own settings stand under what follows its name (`terms.soft_targets.weight`), so that variants of
    one run and of several share an axis; those of its siblings are left out.

    Returns:
        {"paths": [...], "titles": [a title a path], "runs": [{"id", "name", "batch", "measure", "metric", "test",
        "variant", "alone", "value", "difference", "values": [a value a path, None where it has none]}]}; runs
        without a verdict are left out.
    """
    rows: list[tuple[Run, dict[str, Any], dict[str, Setting]]] = []
    for run in runs:
        if verdicts := _verdicts(run):
            found = settings(run.settings)
            rows += [(run, verdict, _of_variant(found, verdict["variant"])) for verdict in verdicts]
    titles = {path: found.title for _, _, table in rows for path, found in table.items()}

    def value(table: dict[str, Setting], path: str) -> Value:
        return table[path].value if path in table else None

    varying = [path for path in titles if len({json.dumps(value(table, path)) for *_, table in rows}) > 1]
    started = {run.id: _started(store, run) for run, *_ in rows}
    answers = []
    for run, verdict, table in rows:
        metrics = started[run.id].get("metrics") or []
        answers.append(
            {"id": run.id, "name": run.name, "batch": run.batch, "measure": measure(run.settings, metrics),
             "metric": metrics[0] if metrics else None, "variant": verdict["variant"],
             "alone": len(_verdicts(run)) == 1, "value": verdict["value"], "difference": verdict["difference"],
             "test": json.dumps([(p, s.value) for p, s in table.items() if p.startswith(_TESTED_ON)]),
             "values": [value(table, path) for path in varying]}
        )  # fmt: skip
    return {"paths": varying, "titles": [titles[path] for path in varying], "runs": answers}


def _of_variant(found: Sequence[Setting], variant: str) -> dict[str, Setting]:
    """What is set for one variant: what all share, and its own."""
    own = f"variants.{variant}."
    shared = {setting.path: setting for setting in found if setting.path.split(".")[0] != "variants"}
    ours = [setting for setting in found if setting.path.startswith(own)]
    return shared | {s.path.removeprefix(own): s._replace(title=s.title[1:]) for s in ours}


def _verdicts(run: Run) -> list[dict[str, Any]]:
    """How each variant came out; before the first step nothing can be told."""
    return list(run.results.get("verdicts", ())) if run.results.get("step") else []


def _sizes(started: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What even a run without measured costs knows: the networks' parameters."""
    found = {role: (started.get(role) or {}).get("parameters") for role in ("teacher", "student")}
    return {role: {"parameters": parameters} for role, parameters in found.items() if parameters}


def _started(store: Store, run: Run) -> dict[str, Any]:
    found = store.last(run.id, "started")
    return found.event if found else {}
