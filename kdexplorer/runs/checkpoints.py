"""A run's checkpoints on disk, looked at without torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from kdexplorer.config import CONTROL, RunConfig, with_values
from kdexplorer.events import CheckpointSaved, Event, KnobTurned, StepsExtended
from kdexplorer.params import ConfigError

ORIGIN = "origin"  # in a fork's folder: the checkpoint it began from, apart from those it saved itself


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps of a run's complete checkpoints, its origin's included, ascending; `folder` is the run's."""
    found = [*(folder / "checkpoints").glob("*/state.json"), *(folder / ORIGIN).glob("*/state.json")]
    return sorted({int(path.parent.name) for path in found if path.parent.name.isdigit()})


def checkpoint_folder(folder: Path, step: int) -> Path:
    """Where the checkpoint of `step` is."""
    own = folder / "checkpoints" / f"{step:08d}"
    origin = folder / ORIGIN / f"{step:08d}"
    return own if own.is_dir() or not origin.is_dir() else origin


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint, or a fork's origin; None if there is none."""
    steps = checkpoint_steps(folder)
    return checkpoint_folder(folder, steps[-1]) if steps else None


def resume_advice(folder: Path) -> str:
    """What resuming a run would do, for a person whose run was lost."""
    checkpoint = latest_checkpoint(folder)
    return f"Resume goes on from step {int(checkpoint.name)}." if checkpoint else "Resume begins again."


def copy_checkpoint(parent: Path, child: Path, step: int) -> None:
    """Keep a parent's checkpoint as its child's origin, so that the parent may be deleted.

    Raises:
        ConfigError: it cannot be copied.
    """
    target = child / ORIGIN / f"{step:08d}"
    partial = target.with_suffix(".partial")
    try:
        shutil.copytree(checkpoint_folder(parent, step), partial)
        partial.rename(target)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ConfigError(f"The checkpoint of step {step} cannot be copied: {error}") from None


def config_at(config: RunConfig, events: Iterable[Event], step: int) -> RunConfig:
    """The config a run had at its checkpoint of `step`, with the knobs turned and the steps added before."""
    turned: list[tuple[int, str, float | int]] = []
    saved = None  # how many of them were turned when the checkpoint was saved
    for event in events:
        if isinstance(event, CheckpointSaved) and event.step == step:
            saved = len(turned)
        elif isinstance(event, KnobTurned) and (path := _path(event.knob)) is not None:
            turned.append((event.step, path, event.new))
        elif isinstance(event, StepsExtended):
            turned.append((event.step, "training.steps", event.steps))
    before = (
        [(at, path, value) for at, path, value in turned if at < step] if saved is None else turned[:saved]
    )
    return with_values(config, {path: value for at, path, value in before if at <= step})


def _path(knob: str) -> str | None:
    """A knob's place in the config; None for the control's, which has none."""
    if knob == "learning_rate":
        return "training.learning_rate"
    variant, _, rest = knob.partition(".")
    if variant == CONTROL:
        return None
    if rest == "task_weight":
        return f"variants.{variant}.task_weight"
    term, _, param = rest.partition(".")
    place = "weight" if param == "weight" else f"params.{param}"
    return f"variants.{variant}.terms.{term}.{place}"
