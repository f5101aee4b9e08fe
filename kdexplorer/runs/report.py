"""A run in one JSON object: what the command line prints and scripts read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kdexplorer.params import ConfigError
from kdexplorer.runs.store import Store


def summary(store: Store, run_id: str) -> dict[str, Any]:
    """Status, time, parameters, the last metrics and loss terms of a run, and its verdicts.

    Returns:
        {"run_id", "name", "status", "seconds", "steps", "teacher": {"parameters", "metrics"} or None,
        "teachers": {name: {"model", "weights", "weight"}} the further ones, "input": metrics,
        "variants": [{"name", "parameters", "metrics", "terms": {term: {"value", "weight"}}}], "verdicts": […]}; with "reason" and "advice" if it ended badly.
    """
    run = store.run(run_id)
    started, logged, finished = (store.last(run_id, kind) for kind in ("started", "step", "finished"))
    begun = started.event if started else {}
    losses = logged.event["losses"] if logged else {}
    seconds = max((run.ended or run.started or 0) - (run.started or 0), 0.0)
    teacher, student = begun.get("teacher"), begun.get("student")
    found: dict[str, Any] = {
        "run_id": run.id,
        "name": run.name,
        "status": run.status,
        "seconds": round(finished.event["seconds"] if finished and run.over else seconds, 3),
        "steps": run.step,
        "teacher": teacher
        and {"parameters": teacher["parameters"], "metrics": run.results.get("teacher", {})},
        "teachers": {
            name: {"model": other.id, "weights": other.weights, "weight": other.weight}
            for name, other in run.config.teachers.items()
        },
        "input": run.results.get("input", {}),
        "variants": [
            {
                "name": variant.name,
                "parameters": student["parameters"] if student else None,
                "metrics": run.results.get("variants", {}).get(variant.name, {}),
                "terms": losses.get(variant.name, {}),
            }
            for variant in run.config.cohort
        ],
        "verdicts": run.results.get("verdicts", []),
        "notes": run.results.get("notes", []),
    }
    if run.reason:
        found |= {"reason": run.reason, "advice": run.advice}
    return found


def export_student(store: Store, run_id: str, target: Path, variant: str | None = None) -> Path:
    """Copy a student's weights to `target` (a file, or a folder to put it in) and return where they are.

    `variant` defaults to the first that distils.

    Raises:
        ConfigError: there is no such student, the run has not ended, or the file cannot be written.
    """
    names = [student.name for student in store.run(run_id).config.cohort]
    variant = variant or names[0]
    if variant not in names:
        raise ConfigError(f"There is no variant {variant!r}; there is: {', '.join(names)}.")
    source = store.folder(run_id) / "students" / f"{variant}.safetensors"
    if not source.is_file():
        raise ConfigError("This run has no weights yet: they are written when it ends.")
    if target.is_dir():
        target = target / f"{run_id}-{variant}.safetensors"
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise ConfigError(f"Cannot write {target}: {error.strerror}.") from None
    return target
