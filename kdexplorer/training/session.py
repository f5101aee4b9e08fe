"""A run that is being trained: its data, its networks, where it stands, and what is written of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from kdexplorer.commands import Checkpoint, Command, Extend, Pause, Resume, SetKnob, Step, Stop
from kdexplorer.config import NetworkConfig, RunConfig
from kdexplorer.events import (
    CheckpointSaved,
    CommandRefused,
    Evaluated,
    Event,
    KnobTurned,
    PreviewReady,
    RunPaused,
    RunResumed,
    RunStarted,
    StepLogged,
    StepsExtended,
)
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.weights import load_weights, save_student
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS, Task
from kdexplorer.training.checkpoint import load_checkpoint, save_checkpoint
from kdexplorer.training.cohort import Cohort
from kdexplorer.training.evaluation import Evaluator
from kdexplorer.training.preview import make_preview, save_preview

PREVIEW_SHARE = 0.1  # of the time: previews in between are left out when they would take more


class Session:
    """The state of one run between two steps.

    Attributes:
        step: finished optimiser steps.
        steps: where the run ends.
        paused: waits for commands; `allowance` steps are done before.
    """

    def __init__(self, config: RunConfig, folder: Path | None, checkpoint: Path | None) -> None:
        self.config, self.folder = config, folder
        self.device = device_of(config.training.device)
        if config.training.threads:
            torch.set_num_threads(config.training.threads)
        torch.backends.cudnn.deterministic = True  # same seed, same bits
        task_spec = TASKS[config.task]
        self.task: Task = task_spec.open(config, self.device)
        self.notes: list[str] = []
        self.teacher = self._build_teacher(config.teacher, "Teacher") if config.teacher else None
        more = {name: self._build_teacher(each, f"Teacher {name}") for name, each in config.teachers.items()}
        self.cohort = Cohort(config, self.task, self.teacher, self.device, more)
        self._start_students()
        self.evaluator = Evaluator(self.cohort, self.task)
        self.step, self.steps = 0, config.training.steps
        self.paused, self.allowance, self.stopping = False, 0, False
        self.seconds_before = 0.0
        self.from_checkpoint = checkpoint is not None
        if checkpoint is not None:
            own = folder is not None and (folder / "checkpoints").resolve() == checkpoint.parent.resolve()
            state = load_checkpoint(checkpoint, self.cohort, fork=not own)
            self.step = state["step"]
            if own:
                self.steps, self.seconds_before = state["steps"], state["seconds"]
        self._clock = time.perf_counter()
        self._logged = (self.step, self._clock)
        self._preview_seconds = 0.0

    def _build_teacher(self, config: NetworkConfig, role: str) -> Network:
        network = build_network(config, self.task.io, seed=self.config.training.seed)
        self.notes += [f"{role}: {note}" for note in load_weights(network, config.weights)]
        if config.weights == "none":
            self.notes.append(
                f"The {role.lower()} has random weights: it has nothing to teach. Choose its weights."
            )
        network.module.requires_grad_(False).eval().to(self.device).to(memory_format=torch.channels_last)
        return network

    def _start_students(self) -> None:
        if self.config.student.weights != "none":
            notes: list[str] = []
            for student in self.cohort.students:
                if not student.config.own_start:
                    notes = load_weights(student.network, self.config.student.weights)
            self.notes += [f"Student: {note}" for note in notes]
        self.cohort.begin()

    @property
    def seconds(self) -> float:
        """Time spent so far, pauses left out."""
        return self.seconds_before + time.perf_counter() - self._clock

    def idle(self, seconds: float) -> None:
        """Leave a pause out of the clock."""
        self._clock += seconds
        self._logged = (self._logged[0], self._logged[1] + seconds)

    def started(self) -> RunStarted:
        return RunStarted(
            step=self.step,
            steps=self.steps,
            device=str(self.device),
            threads=torch.get_num_threads(),
            torch=str(torch.__version__),
            teacher=self.teacher.info if self.teacher else None,
            student=self.cohort.students[0].network.info,
            variants=tuple(student.name for student in self.cohort.students),
            metrics=self.task.metrics,
            notes=tuple(self.notes),
        )

    def logged(self) -> StepLogged:
        """Read the losses since the last log point."""
        before, then = self._logged
        now = time.perf_counter()
        losses = self.cohort.read_losses(self.steps)
        self._logged = (self.step, now)
        rate = self.cohort.students[0].optimizer.param_groups[0]["lr"]
        speed = (self.step - before) / max(now - then, 1e-9)
        return StepLogged(
            step=self.step,
            learning_rate=rate,
            steps_per_second=speed,
            losses=losses,
            gradients=self.cohort.read_gradients(),
            seen=self.cohort.read_seen(self.step - 1),
        )

    def plateaus(self, evaluated: Evaluated) -> Iterator[Event]:
        """Begin the next stage of every student that no longer improves; only evaluations by plan are looked at.

        Told as the turn of a knob, which it is: a person may turn it too.
        """
        if not evaluated.step or evaluated.step % self.config.training.evaluate_every:
            return
        metric = self.task.metrics[0]
        for student in self.cohort.students:
            plateau, quality = student.objective.plateau, evaluated.variants[student.name][metric.id]
            if plateau is None or not plateau.watch(quality if metric.higher_is_better else -quality):
                continue
            if plateau.stage < student.objective.last_stage:
                yield from self.obey(SetKnob(knob=f"{student.name}.stage", value=plateau.stage + 1))

    def preview(self, *, always: bool = False) -> Iterator[Event]:
        """Draw what there is to see, unless that took more than its share of the time."""
        if self.folder is None or (not always and self._preview_seconds > PREVIEW_SHARE * self.seconds):
            return
        begin = time.perf_counter()
        known = self.evaluator.found_at(self.step)
        file = save_preview(self.folder, make_preview(self.cohort, self.task, self.step, known))
        self._preview_seconds += time.perf_counter() - begin
        yield PreviewReady(step=self.step, file=file)

    def checkpoint(self) -> Iterator[Event]:
        if self.folder is not None:
            name = save_checkpoint(self.folder, self.cohort, self.step, self.steps, self.seconds)
            yield CheckpointSaved(step=self.step, folder=name)

    def save_students(self, scores: dict[str, dict[str, float]]) -> None:
        """Write every student's weights, with a card in the file's header, as the next run's teacher."""
        if self.folder is None:
            return
        for student in self.cohort.students:
            facts: dict[str, Any] = {
                "title": self.config.name,
                "task": self.config.task,
                "variant": student.name,
                "step": self.step,
                "scores": scores.get(student.name, {}),
                "classes": list(getattr(self.task, "classes", ())),
                "recipe": self.config.model_dump(mode="json"),
            }
            save_student(
                student.network, self.folder / "students" / f"{student.name}.safetensors", facts=facts
            )

    def obey(self, command: Command) -> Iterator[Event]:
        """Carry out one command between two steps."""
        if isinstance(command, Pause) and not self.paused:
            self.paused = True
            yield RunPaused(step=self.step)
        elif isinstance(command, Resume) and self.paused:
            self.paused, self.allowance = False, 0
            yield RunResumed(step=self.step)
        elif isinstance(command, Step):
            if not self.paused:
                self.paused = True
                yield RunPaused(step=self.step)
            self.allowance += command.count
        elif isinstance(command, Stop):
            self.stopping = True
        elif isinstance(command, Extend):
            self.steps += command.steps
            yield StepsExtended(step=self.step, steps=self.steps)
        elif isinstance(command, Checkpoint):
            yield from self.checkpoint()
        elif isinstance(command, SetKnob):
            try:
                old, new = self.cohort.turn(command.knob, command.value)
                yield KnobTurned(step=self.step, knob=command.knob, old=old, new=new)
            except ConfigError as error:
                yield CommandRefused(step=self.step, command=f"set {command.knob}", reason=str(error))


def device_of(name: str) -> torch.device:
    """The device of that name; `auto` takes a GPU if there is one.

    Raises:
        ConfigError: it is not there.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if available[kind])
    if not available[name]:
        raise ConfigError(f"training.device: this machine has no {name}; choose auto or cpu.")
    return torch.device(name)
