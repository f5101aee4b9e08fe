"""What a person looks at while it trains: pictures or predictions, and where the networks look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdexplorer.attribution import ATTRIBUTIONS
from kdexplorer.config import CONTROL
from kdexplorer.metrics.alignment import cosine, energy_inside, rank_correlation, top_overlap
from kdexplorer.models.build import Network
from kdexplorer.models.taps import Taps
from kdexplorer.tasks import TASKS, Seen, Task
from kdexplorer.tasks.picture import data_uri, overlay
from kdexplorer.training.cohort import Cohort

KEPT = 60  # previews of a run; beyond that every other of the older ones goes


def _networks(cohort: Cohort) -> list[tuple[str, str, Network]]:
    """(role, name, network) in the order of the page: control, variants, teacher."""
    students = sorted(cohort.students, key=lambda student: student.name != CONTROL)
    found = [("control" if s.name == CONTROL else "variant", s.name, s.network) for s in students]
    return found + ([("teacher", "teacher", cohort.teacher)] if cohort.teacher else [])


def make_preview(cohort: Cohort, task: Task, step: int) -> dict[str, Any]:
    """Everything a page shows of this step, as JSON; see `Task.preview` and `attributions`."""
    networks = _networks(cohort)
    modes = [network.module.training for _, _, network in networks]
    try:
        for _, _, network in networks:
            network.module.eval()
        with torch.no_grad():
            seen = [Seen(role, name, network.module) for role, name, network in networks]
            shown = task.preview(seen)
        return {"step": step, **shown, "attribution": attributions(cohort, task, networks)}
    finally:
        for (_, _, network), mode in zip(networks, modes, strict=True):
            network.module.train(mode)


def attributions(cohort: Cohort, task: Task, networks: list[tuple[str, str, Network]]) -> dict[str, Any]:
    """Attribution maps of all networks on one image, and how well each student's agrees with the teacher's.

    A student's map is for the same class as the teacher's: the image's label.
    """
    example = task.example()
    spec = ATTRIBUTIONS[TASKS[cohort.config.task].attribution]
    if not all(_has_map(network, example.input) for _, _, network in networks):
        spec = ATTRIBUTIONS["input_gradient"]  # one algorithm for all, or their maps could not be compared
    maps: dict[str, Tensor] = {
        name: spec.attribute(network.module, example.input, example.label, network.attribution_layer)
        .float()
        .cpu()
        for _, name, network in networks
    }
    picture = example.picture
    panels, alignment = [], {}
    for role, name, _ in networks:
        map = maps[name]
        if map.shape[-2:] != picture.shape[-2:]:
            map = torch.nn.functional.interpolate(
                map.unsqueeze(1), picture.shape[-2:], mode="bilinear"
            ).squeeze(1)
        panels.append({"role": role, "name": name, "image": data_uri(overlay(picture, map[0]))})
        scores: dict[str, float] = {}
        if role != "teacher" and "teacher" in maps:
            pair = (maps[name], maps["teacher"])
            measures = {"cosine": cosine, "spearman": rank_correlation, "overlap": top_overlap}
            scores = {measure: round(float(function(*pair)), 4) for measure, function in measures.items()}
        if example.mask is not None:
            scores["inside"] = round(float(energy_inside(maps[name], example.mask.cpu())), 4)
        if scores:
            alignment[name] = scores
    first = {"role": "input", "name": "input", "image": data_uri(picture)}
    return {
        "algorithm": spec.id,
        "title": spec.title,
        "caption": example.caption,
        "panels": [first, *panels],
        "alignment": alignment,
    }


def _has_map(network: Network, image: Tensor) -> bool:
    """Whether its attribution layer has places to tell apart; an MLP's has none."""
    with torch.no_grad(), Taps(network.module, [network.attribution_layer]) as features:
        network.module(image)
    feature = features[network.attribution_layer]
    return feature.dim() == 3 or feature.shape[-2:].numel() > 1


def save_preview(folder: Path, preview: dict[str, Any]) -> str:
    """Write `previews/<step>.json` inside a run's folder and return that name."""
    name = f"previews/{preview['step']:08d}.json"
    (folder / "previews").mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.partial"
    partial.write_text(json.dumps(preview, separators=(",", ":")))
    partial.rename(folder / name)
    kept = sorted((folder / "previews").glob("*.json"))
    if len(kept) > KEPT:
        for path in kept[1:-2:2]:
            path.unlink(missing_ok=True)
    return name
