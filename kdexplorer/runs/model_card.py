"""What goes beside a student's weights: the model card of an exported run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer.config import CONTROL, RunConfig
from kdexplorer.runs.run import Run


def model_card(run: Run, started: Mapping[str, Any], students: Sequence[str]) -> str:
    """Markdown with the front matter that model hubs read: what it is, how it was made, how good it is.

    Args:
        run: the run's row; its last evaluation is quoted.
        started: the run's `RunStarted` event.
        students: the names of the weight files that lie beside.
    """
    config = run.config
    pipeline = "image-classification" if config.task == "classification" else "image-to-image"
    metrics = {metric["id"]: metric for metric in started["metrics"]}
    lines = [
        "---",
        "library_name: kdexplorer",
        f"pipeline_tag: {pipeline}",
        "tags: [knowledge-distillation]",
        "---",
        "",
        f"# {_line(run.name) or run.id}",
        "",
        f"Students of one run of KD Explorer, after {run.step:,} of {run.steps:,} steps ({run.status}).",
        "",
        *_network("Student", started["student"]),
        *(_network("Teacher", started["teacher"]) if started["teacher"] else ["No teacher."]),
        "",
        "## Results on held-out images",
        "",
        f"| network | {' | '.join(_title(m) for m in metrics.values())} |",
        f"|---|{'---|' * len(metrics)}",
        *_rows(run.results, metrics),
        "",
        *[f"- {metric['title']}: {metric['convention']}" for metric in metrics.values()],
        "",
        *[_line(verdict["sentence"]) for verdict in run.results.get("verdicts", ())],
        "",
        "## Weights",
        "",
        *[f"- `students/{name}.safetensors`{_of(name, config)}" for name in students],
        "",
        "The header of each file describes its network; `kdexplorer` loads it as a teacher or a student.",
        "",
        "## How it was made",
        "",
        "`kdexplorer fit --config config.json` trains it again; `events.jsonl` is its whole log.",
        f"Device {started['device']}, {started['threads']} threads, PyTorch {started['torch']}.",
        *[f"- {_line(note)}" for note in started.get("notes", ())],
        "",
        "The weights inherit the terms of the images and of the teacher that they were trained with.",
        "",
    ]
    return "\n".join(lines)


def _network(role: str, info: Mapping[str, Any]) -> list[str]:
    return [
        f"{role}: {info['model']}, {info['parameters']:,} parameters, weights: {_line(info['weights'])}.",
        "",
    ]


def _title(metric: Mapping[str, Any]) -> str:
    return f"{metric['title']} {metric['unit']}".strip()


def _rows(results: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    members = {
        **results.get("variants", {}),
        "teacher": results.get("teacher"),
        "input": results.get("input"),
    }
    rows = []
    for name, values in members.items():
        if values:
            cells = [f"{values[m]:.{info['digits']}f}" if m in values else "–" for m, info in metrics.items()]
            rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _of(name: str, config: RunConfig) -> str:
    if name == CONTROL:
        return ": the control, trained without distillation"
    terms = next((v.terms for v in config.variants if v.name == name), ())
    return f": {', '.join(f'{term.method} × {term.weight:g}' for term in terms)}" if terms else ""


def _line(text: str) -> str:
    """One line of plain text: a person typed it."""
    return " ".join(text.replace("`", "'").replace("|", "/").replace("<", "‹").split())
