"""Checkpoints: tensors as safetensors, everything else as JSON, written aside and renamed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from kdexplorer.distillation.history import HistoryStudent
from kdexplorer.params import ConfigError
from kdexplorer.training.cohort import Cohort, Student

FORMAT = 1
KEPT = 24  # checkpoints of a run; beyond that every other of the older ones goes


def save_checkpoint(folder: Path, cohort: Cohort, step: int, steps: int, seconds: float) -> str:
    """Write `checkpoints/<step>` inside a run's folder and return that name; an interrupted write leaves nothing."""
    name = f"checkpoints/{step:08d}"
    target, partial = folder / name, folder / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        tensors: dict[str, Tensor] = {}
        for student in cohort.students:
            tensors.update(_tensors_of(student))
        # Written by Python, so that a full disk is an OSError with its number.
        (partial / "state.safetensors").write_bytes(save(tensors))
        state = {
            "format": FORMAT,
            "step": step,
            "steps": steps,
            "seconds": seconds,
            "learning_rate": cohort.learning_rate,
            "knobs": {s.name: {k: v for k, (v, _) in s.objective.knobs().items()} for s in cohort.students},
            "parameters": {student.name: len(student.parameters) for student in cohort.students},
        }
        (partial / "state.json").write_text(json.dumps(state))
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _thin(folder / "checkpoints")
    return name


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps of a run's complete checkpoints, ascending."""
    return sorted(int(p.name) for p in (folder / "checkpoints").glob("*") if p.name.isdigit())


def load_checkpoint(folder: Path, cohort: Cohort, *, fork: bool = False) -> dict[str, Any]:
    """Restore the cohort from a checkpoint's folder and return what its JSON says (step, steps, seconds …).

    Args:
        fork: the config may differ: knobs are the config's, a student that the parent did not have begins as the
            parent's first, and an optimiser or a learnable part of another shape begins anew.

    Raises:
        ConfigError: it cannot be read, or does not fit the config.
    """
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
        tensors = load_file(folder / "state.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise ConfigError(f"The checkpoint {folder.name} cannot be read: {error}") from None
    if state.get("format") != FORMAT:
        raise ConfigError(f"The checkpoint {folder.name} was written by another version of KD Explorer.")
    names = list(state["knobs"])
    for student in cohort.students:
        source = student.name if student.name in names else names[0]
        if source != student.name and not fork:
            raise ConfigError(f"The checkpoint {folder.name} has no student {student.name!r}.")
        part = {k.removeprefix(f"{source}/"): v for k, v in tensors.items() if k.startswith(f"{source}/")}
        _restore(student, part, fork, state.get("parameters", {}).get(source))
        if not fork:
            for knob, value in state["knobs"][student.name].items():
                student.objective.turn(knob, value)
    if not fork:
        cohort.learning_rate = state["learning_rate"]
    return state


def _tensors_of(student: Student) -> dict[str, Tensor]:
    found = {f"model/{k}": v for k, v in student.module.state_dict().items()}
    found |= {f"terms/{k}": v for k, v in student.objective.learnable.state_dict().items()}
    if student.average is not None:
        found |= {f"average/{k}": v for k, v in student.average.module.state_dict().items()}
    for index, slots in student.optimizer.state_dict()["state"].items():
        found |= {f"optimizer/{index}/{k}": v for k, v in slots.items() if isinstance(v, Tensor)}
    return {f"{student.name}/{k}": v.detach().cpu().contiguous().clone() for k, v in found.items()}


def _restore(student: Student, part: dict[str, Tensor], fork: bool, parameters: int | None) -> None:
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "terms": {}, "average": {}, "optimizer": {}}
    for key, value in part.items():
        kind, _, rest = key.partition("/")
        groups[kind][rest] = value
    try:
        student.module.load_state_dict(groups["model"])
    except RuntimeError:
        raise ConfigError(
            "The checkpoint holds another student: fork with the parent's student network."
        ) from None
    if student.average is not None:
        student.average.module.load_state_dict(groups["average"] or groups["model"])
    own = student.objective.learnable.state_dict()
    same = {k: v for k, v in groups["terms"].items() if k in own and own[k].shape == v.shape}
    if not fork and same.keys() != own.keys():
        raise ConfigError("The checkpoint lacks the learnable parts of a term.")
    student.objective.learnable.load_state_dict(own | same)
    lacking = own.keys() - same.keys()
    for name, module in student.objective.learnable.named_modules():
        # the parent knew no past of this student: it begins with the student as it is now
        if isinstance(module, HistoryStudent) and any(key.startswith(f"{name}.") for key in lacking):
            module.restart(student.module)
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in groups["optimizer"].items():
        index, _, name = key.partition("/")
        slots.setdefault(int(index), {})[name] = value
    # A term that has not begun yet has learnable parts, but no moments.
    fits = (parameters or len(slots)) == len(student.parameters) and all(
        value.dim() == 0 or value.shape == student.parameters[index].shape
        for index, slot in slots.items()
        for value in slot.values()
    )
    if slots and (fits or not fork):
        state = student.optimizer.state_dict()
        # The moments take their parameters' memory layout: another one would change the fused kernels' order.
        state["state"] = {
            index: {k: v if v.dim() == 0 else _like(student.parameters[index], v) for k, v in slot.items()}
            for index, slot in slots.items()
        }
        student.optimizer.load_state_dict(state)


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _thin(folder: Path) -> None:
    steps = checkpoint_steps(folder.parent)
    if len(steps) > KEPT:
        for step in steps[1:-4:2]:
            shutil.rmtree(folder / f"{step:08d}", ignore_errors=True)
