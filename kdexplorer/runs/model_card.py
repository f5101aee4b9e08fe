"""What goes beside a student's weights: the model card of an exported run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kdexplorer import __version__
from kdexplorer.config import CONTROL, RunConfig
from kdexplorer.metrics.comparison import fixed
from kdexplorer.runs.model_settings import (
    data_lines,
    network_rows,
    objective_lines,
    papers,
    plain,
    table,
    training_lines,
)
from kdexplorer.runs.run import Run
from kdexplorer.runs.verdict_figure import difference_text, interval_text

HOME = "https://github.com/kdexplorer/kdexplorer"
PIPELINES = {"classification": "image-classification", "restoration": "image-to-image"}


def model_card(
    run: Run,
    started: Mapping[str, Any],
    students: Sequence[str],
    knobs: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Markdown with the front matter that model hubs read: what it is, how good it is, how it was made.

    Args:
        run: the run's row; its last evaluation is quoted.
        started: the run's `RunStarted` event.
        students: the names of the weight files that lie beside.
        knobs: its `KnobTurned` events.
    """
    config = run.config
    metrics = {metric["id"]: metric for metric in started["metrics"]}
    verdicts = run.results.get("verdicts", ())
    images = next((verdict["total"] for verdict in verdicts), config.data.held_out)
    threads = f"{started['device']}, {started['threads']} threads, PyTorch {started['torch']}"
    return "\n".join([
        *_front(run, config),
        f"# {plain(run.name) or run.id}",
        "",
        f"Students of one run of [KD Explorer]({HOME}), after {run.step:,} of {run.steps:,} steps ({run.status}), "
        f"seed {config.training.seed}."
        + (" The control is the same student on the same batches without distillation." if config.control else ""),
        "",
        *([f"Tags: {', '.join(map(plain, run.tag_list))}.", ""] if run.tag_list else []),
        *([f"Note: {plain(run.note)}", ""] if run.note else []),
        f"## Results on {images} held-out images",
        "",
        *table(["network", *map(_title, metrics.values())], _rows(run.results, metrics)),
        *[f"- {metric['title']}: {_convention(metric)}" for metric in metrics.values()],
        *[f"- {plain(note)}" for note in run.results.get("notes", ())],
        "",
        *_against_control(verdicts, metrics),
        "## Networks",
        "",
        *table(["", "architecture", "weights at the start", "parameters", "multiply-adds", "ms an image", "peak MiB"],
               network_rows(config, started, run.cost)),
        f"Multiply-adds, time and peak memory (features, weights apart) are of one held-out image, batch 1; time is the "
        f"median of several passes on {threads}."
        if run.cost else "Multiply-adds and time were not measured.",
        "",
        "## Data",
        "",
        *data_lines(config, images),
        "",
        "## Objectives",
        "",
        *objective_lines(config),
        "## Training",
        "",
        *training_lines(config, knobs),
        f"- {threads}, KD Explorer {__version__}.",
        *[f"- {plain(note)}" for note in started.get("notes", ())],
        "",
        "## Weights",
        "",
        *[f"- `students/{name}.safetensors`{': the control' if name == CONTROL else ''}" for name in students],
        "",
        "The header of each file describes its network; `kdexplorer` loads it as a teacher or a student.",
        "",
        *_reproduce(config, bool(knobs)),
        *_cite(config),
    ])  # fmt: skip


def _front(run: Run, config: RunConfig) -> list[str]:
    """YAML; a JSON string is one, whatever a person typed."""
    tags = ["knowledge-distillation", config.task, *run.tag_list]
    return [
        "---",
        "license: other",
        "license_name: terms-of-the-images-and-the-teacher",
        "library_name: kdexplorer",
        *([f"pipeline_tag: {PIPELINES[config.task]}"] if config.task in PIPELINES else []),
        "tags:",
        *[f"- {json.dumps(tag)}" for tag in dict.fromkeys(tags)],
        "---",
        "",
    ]


def _title(metric: Mapping[str, Any]) -> str:
    return f"{metric['title']}, {metric['unit']}" if metric["unit"] else str(metric["title"])


def _convention(metric: Mapping[str, Any]) -> str:
    return str(metric["convention"]).removeprefix(f"{metric['title']} ")


def _rows(results: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> Iterable[list[str]]:
    members = {
        **results.get("variants", {}),
        "teacher": results.get("teacher"),
        "input": results.get("input"),
    }
    for name, values in members.items():
        if values:
            yield [name, *[fixed(values[m], info["digits"]) if m in values else "–" for m, info in metrics.items()]]  # fmt: skip


def _against_control(
    verdicts: Sequence[Mapping[str, Any]], metrics: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    if not verdicts:
        return []
    metric = metrics[verdicts[0]["metric"]]
    unit = "points" if metric["unit"] == "%" else metric["unit"]
    digits = metric["digits"]
    rows = [
        [v["variant"], difference_text(v, digits), interval_text(v, digits),
         str(v["better"]), str(v["worse"]), str(v["total"]), judged(v, higher=metric["higher_is_better"])]
        for v in verdicts
    ]  # fmt: skip
    head = [
        "student",
        f"Δ {metric['title']}{unit and ', '}{unit}",
        "95 % interval",
        "better on",
        "worse on",
        "images",
        "",
    ]
    return [
        "Against the control, on the same images:",
        "",
        *table(head, rows),
        "The interval is a paired bootstrap over images, 2,000 resamples. It is of one seed and says nothing of others.",
        "",
    ]


def judged(verdict: Mapping[str, Any], *, higher: bool) -> str:
    """A verdict in two or three words."""
    if verdict["better"] == verdict["worse"] == 0:
        return "no difference"
    if verdict["low"] <= 0 <= verdict["high"]:
        return "no clear difference"
    return "better" if (verdict["low"] > 0) == higher else "worse"


def _reproduce(config: RunConfig, turned: bool) -> list[str]:
    known = [
        "`events.jsonl` is the whole log. The same seed, machine, device and thread count give the same bits."
    ]
    if config.parent:
        known.append("It is a fork: the run that it came from has to be in the history.")
    if turned:
        known.append("The knobs above were turned by hand and have to be turned again.")
    elsewhere = [
        place for place, n in config.networks.items() if n.weights.startswith(("file:", "upload:", "run:"))
    ]
    if elsewhere:
        known.append(f"The weights of {', '.join(elsewhere)} are not in this file.")
    return ["## How to reproduce", "", "```sh", "kdexplorer fit --config config.json", "```", "", " ".join(known), ""]  # fmt: skip


def _cite(config: RunConfig) -> list[str]:
    found = papers(config)
    return [
        "## Licence and citation",
        "",
        "KD Explorer is under the MIT licence. The weights inherit the terms of the images and of the teachers that "
        "they were trained with: state them in place of `license: other` before publishing.",
        "",
        "```bibtex",
        "@software{kdexplorer,",
        "  title = {KD Explorer: knowledge distillation in computer vision beside a control},",
        "  author = {{The KD Explorer developers}},",
        f"  version = {{{__version__}}},",
        f"  url = {{{HOME}}}",
        "}",
        "```",
        "",
        *(["Methods:", "", *found, ""] if found else []),
    ]
