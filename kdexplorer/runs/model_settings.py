"""What a run was asked for, in Markdown: networks, images, objectives, optimisation. Defaults are written out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kdexplorer.catalog import catalog
from kdexplorer.config import CONTROL, Active, Component, NetworkConfig, RunConfig, Schedule, TermConfig

MOVES = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD with momentum 0.9"}
RATES = {"constant": "constant", "cosine": "falling to 1 % along a cosine", "step": "÷ 10 at 62, 75 and 87 %"}
ARXIV = r"\b(?<!arXiv )(?=\d{4}\.\d{4,5}\b)"
TEACHERS = {
    "teacher": "the teacher",
    "mean": "the mean of all teachers",
    "ema": "the student's own moving average",
    "self": "its own deeper layers",
    "peers": "the mean of the other variants",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, then an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return [*[f"| {' | '.join(line)} |" for line in lines], ""]


def plain(text: str) -> str:
    """One line of plain text: a person typed it."""
    return " ".join(text.replace("`", "'").replace("|", "/").replace("<", "‹").split())


def network_rows(config: RunConfig, started: Mapping[str, Any], cost: Mapping[str, Any]) -> list[list[str]]:
    """Each network's role, architecture, start, parameters, multiply-adds, latency and peak memory; `–` where not measured."""
    rows = []
    for place, network in config.networks.items():
        measured = cost.get(place, {})
        parameters = measured.get("parameters") or (started.get(place) or {}).get("parameters")
        counts = [f"{value:,}" if value else "–" for value in (parameters, measured.get("multiply_adds"))]
        latency = f"{measured['latency_ms']:.2f}" if measured.get("latency_ms") else "–"
        peak = f"{measured['peak_bytes'] / 2**20:.2f}" if measured.get("peak_bytes") else "–"
        known = [_role(place, config), described("models", network), _weights(network)]
        rows.append([*known, *counts, latency, peak])
    return rows


def data_lines(config: RunConfig, images: int) -> list[str]:
    """Where the images come from, what is done to them, and how many are held out."""
    data = config.data
    lines = [f"- Source: {described('sources', data.source)}. {_summary('sources', data.source.id)}"]
    worse = [described("degradations", found) for found in data.degradations]
    richer = [
        f"{described('augmentations', found)} (probability {found.probability:g}, strength {found.strength:g})"
        for found in data.augmentations
    ]
    given = _entry("sources", data.source.id).get("paired")
    lines.append(f"- Degradations, in order: {'as given in pairs' if given else '; '.join(worse) or 'none'}.")
    lines.append(f"- Augmentations: {'; '.join(richer) or 'none'}.")
    if config.task == "restoration":
        crop = f"crops of {data.held_out_crop} px" if data.held_out_crop else "whole images"
        lines.append(f"- Training patches of {data.patch} px, measured in the input; held out are {crop}.")
    if data.exclude_classes:
        lines.append(f"- Classes never shown in training: {', '.join(map(str, data.exclude_classes))}.")
    return [*lines, f"- Held-out images: {images}."]


def objective_lines(config: RunConfig) -> list[str]:
    """Every student's loss: the weight of its task's loss, then each term with all that moves it."""
    lines = []
    for variant in config.cohort:
        rest = [f"task loss × {variant.task_weight:g}{_moving(variant.task_schedule)}"]
        if variant.balance != "fixed":
            rest.append(f"weights balanced by {variant.balance}")
        if variant.patience:
            rest.append(f"a stage ends after {variant.patience} evaluations without a better score")
        if variant.own_start:
            rest.append("begins with random weights of its own")
        if any(term.teacher == "ema" for term in variant.terms):
            rest.append(f"moving average {variant.ema_decay:g}")
        kind = " (trained without distillation)" if variant.name == CONTROL else ""
        lines += [f"**{variant.name}**{kind}: {'; '.join(rest)}.", ""]
        if variant.terms:
            head = ["term", "weight", "parameters", "schedule", "stage", "teacher", "layers"]
            lines += table(head, [_term(term) for term in variant.terms])
    return lines


def training_lines(config: RunConfig, knobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Seed, steps, optimiser, learning rate and its schedule, and the knobs that were turned meanwhile."""
    plan = config.training
    warmup = f", after a rise over {plan.warmup} steps" if plan.warmup else ""
    lines = [
        f"- Seed {plan.seed}; {plan.steps:,} steps of {plan.batch_size} images; {plan.precision}.",
        f"- {MOVES[plan.optimizer]}, learning rate {plan.learning_rate:g}, {RATES[plan.lr_schedule]}{warmup}; weight "
        f"decay {plan.weight_decay:g}; gradients {f'clipped at {plan.clip_norm:g}' if plan.clip_norm else 'not clipped'}.",
    ]
    if config.parent:
        lines.append(f"- Forked from run {config.parent.run} after step {config.parent.step:,}.")
    turned = [f"{k['knob']} {k['old']:g} → {k['new']:g} after step {k['step']:,}" for k in knobs]
    return [*lines, *([f"- Turned while it ran: {'; '.join(turned)}."] if turned else [])]


def papers(config: RunConfig) -> list[str]:
    """The methods' papers, each once."""
    used = dict.fromkeys(term.method for variant in config.variants for term in variant.terms)
    entries = [(_entry("methods", method), method) for method in used]
    return [
        f"- {entry.get('title', id)}: {re.sub(ARXIV, 'arXiv ', entry['paper'])}"
        for entry, id in entries
        if entry.get("paper")
    ]


def described(family: str, component: Component) -> str:
    """A component's title and id with all its parameters."""
    entry = _entry(family, component.id)
    values = _values(family, component.id, component.params)
    title = f"{entry.get('title', component.id)} (`{component.id}`)"
    return f"{title}: {values}" if values else title


def _values(family: str, id: str, params: Mapping[str, Any]) -> str:
    entry = _entry(family, id)
    known = {param["name"]: param for param in entry.get("params", ())}
    values = {name: param["default"] for name, param in known.items()} | dict(params)
    if entry.get("reads_paths"):
        values = {name: _base(value) if isinstance(value, str) else value for name, value in values.items()}
    units = {name: f" {param['unit']}" if param["unit"] else "" for name, param in known.items()}
    return ", ".join(f"{name} {_shown(value)}{units.get(name, '')}" for name, value in values.items())


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else plain(str(value))


def _entry(family: str, id: str) -> dict[str, Any]:
    return next((entry for entry in catalog().get(family, []) if entry["id"] == id), {})


def _summary(family: str, id: str) -> str:
    return str(_entry(family, id).get("summary", ""))


def _role(place: str, config: RunConfig) -> str:
    if not place.startswith("teachers."):
        return place
    name = place.removeprefix("teachers.")
    return f"teacher {name} (× {config.teachers[name].weight:g} in the mean)"


def _weights(network: NetworkConfig) -> str:
    scheme, _, rest = network.weights.partition(":")
    if scheme == "file":
        return f"file {plain(_base(rest))}"
    return "random" if scheme == "none" else plain(network.weights)


def _base(path: str) -> str:
    """Where it lay on the machine that trained is nobody's business."""
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def _term(term: TermConfig) -> list[str]:
    title = _entry("methods", term.method).get("title", term.method)
    name = f"{title} (`{term.id}`)" if term.id == term.method else f"{title} (`{term.method}` as `{term.id}`)"
    moved = [f"{param}{_moving(schedule)}" for param, schedule in term.schedules.items()]
    pairs = [f"{plain(pair.student)} ← {plain(pair.teacher)}" for pair in term.layers]
    ties = [f"projector {term.projector}"] if term.projector != "none" else []
    ties += [f"levels by {term.levels}"] if term.levels != "equal" else []
    ties += [f"noise: mask {term.noise.mask:g}, shuffle {term.noise.shuffle:g}"] if term.noise.mask or term.noise.shuffle else []  # fmt: skip
    places = "–" if _entry("methods", term.method).get("layers") == "none" else "default"
    schedule = "; ".join([f"weight{_moving(term.schedule)}", *moved])
    return [
        name,
        f"{term.weight:g}",
        _values("methods", term.method, term.params) or "–",
        schedule if schedule != "weight" else "constant",
        _stage(term.active),
        _teacher(term.teacher),
        "; ".join([", ".join(pairs) or places, *ties]),
    ]


def _moving(schedule: Schedule) -> str:
    if schedule.kind == "constant":
        return ""
    until = f"step {schedule.until:,}" if schedule.until else "the last step"
    return f" {schedule.kind} × {schedule.start:g} → {schedule.end:g} from step {schedule.begin:,} to {until}"


def _stage(active: Active) -> str:
    if active == Active():
        return "always"
    found = [f"from step {active.begin:,}"] if active.begin else []
    found += [f"until step {active.until:,}"] if active.until else []
    found += [f"from plateau {active.stage}"] if active.stage else []
    found += [f"until plateau {active.until_stage}"] if active.until_stage else []
    return ", ".join(found)


def _teacher(name: str) -> str:
    if name.startswith("variant:"):
        return f"variant {name.removeprefix('variant:')}"
    return TEACHERS.get(name, f"teacher {name}")
