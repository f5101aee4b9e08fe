"""What a person looks at while it trains: pictures or predictions, and where the networks look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdexplorer.attribution import ATTRIBUTIONS
from kdexplorer.config import CONTROL
from kdexplorer.home import PREVIEW_PARTS, preview_path
from kdexplorer.models.build import Network
from kdexplorer.models.taps import Taps
from kdexplorer.preview_pictures import drop_unused, put_aside
from kdexplorer.tasks import TASKS, Evaluation, Seen, Task
from kdexplorer.training.attributions import attribution
from kdexplorer.training.cohort import Cohort
from kdexplorer.training.inside import inside

KEPT = 60  # previews of a run; beyond that every other of the older ones goes


def _networks(cohort: Cohort) -> list[tuple[str, str, Network]]:
    """(role, name, network) in the order of the page: control, variants, teacher."""
    students = sorted(cohort.students, key=lambda student: student.name != CONTROL)
    found = [("control" if s.name == CONTROL else "variant", s.name, s.network) for s in students]
    return found + ([("teacher", "teacher", cohort.teacher)] if cohort.teacher else [])


def make_preview(
    cohort: Cohort, task: Task, step: int, evaluations: Mapping[str, Evaluation] | None = None
) -> dict[str, Any]:
    """Everything a page shows of this step, as JSON; see `Task.preview` and `attributions`.

    `evaluations`: by network what it scored at this step, where that is known.
    """
    known = evaluations or {}
    networks = _networks(cohort)
    modes = [network.module.training for _, _, network in networks]
    try:
        for _, _, network in networks:
            network.module.eval()
        with torch.no_grad():
            seen = [Seen(role, name, network.module, known.get(name)) for role, name, network in networks]
            shown = task.preview(seen)
        found = {"step": step, **shown, "attribution": attributions(cohort, task, networks)}
        if pictures := inside(cohort, task, step):
            found["inside"] = pictures
        return found
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
    return attribution(networks, example, spec)


def _has_map(network: Network, image: Tensor) -> bool:
    """Whether its attribution layer has places to tell apart; an MLP's has none."""
    with torch.no_grad(), Taps(network.module, [network.attribution_layer]) as features:
        network.module(image)
    feature = features[network.attribution_layer]
    return feature.dim() == 3 or feature.shape[-2:].numel() > 1


def save_preview(folder: Path, preview: dict[str, Any]) -> str:
    """Write a preview into a run's folder, its pictures and its heavy parts into files of their own; returns the
    first file's name."""
    step = preview["step"]
    rest = {key: value for key, value in preview.items() if key not in PREVIEW_PARTS}
    (folder / "previews").mkdir(parents=True, exist_ok=True)
    for part in PREVIEW_PARTS:
        if part in preview:
            _write(preview_path(folder, step, part), preview[part])
    path = preview_path(folder, step)
    _write(path, put_aside(rest, folder))
    kept = sorted((folder / "previews").glob("[0-9]" * 8 + ".json"))
    if len(kept) > KEPT:
        for old in kept[1:-2:2]:
            for part in ("", *PREVIEW_PARTS):
                preview_path(folder, int(old.stem), part).unlink(missing_ok=True)
        drop_unused(folder)
    return str(path.relative_to(folder).as_posix())


def _write(path: Path, values: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(values, separators=(",", ":")), encoding="utf-8")
    partial.replace(path)
