"""What a configuration costs, measured: a few of its steps, an evaluation, a preview and a checkpoint."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from kdexplorer.config import RunConfig
from kdexplorer.models import MODELS
from kdexplorer.training.session import Session

STEP_SECONDS = 1.5  # spent on steps after the first ones, unless `MOST_STEPS` are done before
MOST_STEPS = 20
WARM_STEPS = 3
LONG = 2.0  # seconds; what takes longer is not done again
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Interrupted(Exception):
    """A measurement was told to end."""


def measure(
    config: RunConfig, *, resident: int | None = None, interrupted: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Train the run's cohort for a moment, in a temporary folder, with random weights: they cost the same.

    Steps are taken from all over the run, so that schedules and stages have their part.

    Args:
        resident: bytes that a process has resident which has loaded what this one had at its start.
        interrupted: asked between parts and steps, whether to end.

    Returns:
        {setup, first_evaluation, evaluation, teacher_evaluation, step, preview, checkpoint} in seconds, memory (peak
        bytes: of the process on Linux, of the GPU on CUDA; None where neither can be told), device, threads.

    Raises:
        ConfigError: the configuration cannot run.
        Interrupted: it was.
    """
    config = _without_weights(config)
    memory = _PeakMemory(config, resident)
    seconds: dict[str, float] = {}

    def timed(what: str, action: Callable[[], object]) -> None:
        if interrupted():
            raise Interrupted
        begin = time.perf_counter()
        action()
        seconds[what] = time.perf_counter() - begin

    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        session = Session(config, Path(folder), None)
        seconds["setup"] = time.perf_counter() - begin
        timed("first_evaluation", lambda: session.evaluator.evaluate(0, first=True))
        seconds["step"] = _step_seconds(session, interrupted)
        timed("evaluation", lambda: session.evaluator.evaluate(1))
        seconds["teacher_evaluation"] = _teachers_share(session, seconds["evaluation"])
        seconds["evaluation"] -= seconds["teacher_evaluation"]
        session.step = 1  # where it was just scored, as in a run
        timed("preview", lambda: list(session.preview(always=True)))
        if seconds["preview"] < LONG:  # what is drawn for the first time takes its time only once
            timed("preview", lambda: list(session.preview(always=True)))
        timed("checkpoint", lambda: list(session.checkpoint()))
        timed("students", lambda: session.save_students({}))
    return {
        **seconds,
        "device": str(session.device),
        "threads": torch.get_num_threads(),
        "memory": memory.peak(session.device),
    }


def _teachers_share(session: Session, seconds: float) -> float:
    """What the evaluation that scores the teacher took beyond those that follow."""
    if session.teacher is None:
        return 0.0
    if seconds > LONG:
        return seconds / (len(session.cohort.students) + 1)
    begin = time.perf_counter()
    session.evaluator.evaluate(1)
    return max(0.0, seconds - (time.perf_counter() - begin))


def _without_weights(config: RunConfig) -> RunConfig:
    """The same networks with random weights: nothing is downloaded, and only a file that says what a network is is read."""

    def bare(network: Any) -> Any:
        if network is None or MODELS[network.id].opens is not None:
            return network
        return network.model_copy(update={"weights": "none"})

    return config.model_copy(
        update={
            "teacher": bare(config.teacher),
            "student": bare(config.student),
            "teachers": {name: bare(teacher) for name, teacher in config.teachers.items()},
        }
    )


def _step_seconds(session: Session, interrupted: Callable[[], bool]) -> float:
    """Mean time of a step. Each is taken twice and the faster counts: other programs only ever add time."""
    steps = session.steps

    def step_at(step: int) -> float:
        if interrupted():
            raise Interrupted
        begin = time.perf_counter()
        session.cohort.train_step(step, steps)
        session.cohort.read_losses(steps)  # waits for the device
        return time.perf_counter() - begin

    begin = time.perf_counter()
    for step in range(min(WARM_STEPS, steps)):
        step_at(step)
        if time.perf_counter() - begin > LONG:
            break
    begin, times = time.perf_counter(), list[float]()
    while len(times) < MOST_STEPS and (not times or time.perf_counter() - begin < STEP_SECONDS):
        place = _spread(len(times), steps)
        times.append(min(step_at(place), step_at(place)))
    return sum(times) / len(times)


def _spread(index: int, steps: int) -> int:
    """Steps of the golden ratio around the run: however few are taken, they are spread."""
    return min(steps - 1, int(((index + 1) * 0.6180339887) % 1.0 * steps))


class _PeakMemory:
    """The highest memory from now on."""

    def __init__(self, config: RunConfig, resident: int | None) -> None:
        self._resident = resident
        self._cuda = torch.cuda.is_available() and config.training.device in ("auto", "cuda")
        gc.collect()
        if self._cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
            return
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).malloc_trim(
                    0
                )  # what lies about free would be used again and not be counted
        self._before = resident_bytes() or 0
        self._reset = True
        try:
            _CLEAR.write_text("5")  # the high-water mark begins again at what is resident now
        except OSError:
            self._reset = False

    def peak(self, device: torch.device) -> int | None:
        if self._cuda and device.type == "cuda":
            return int(torch.cuda.max_memory_allocated() - self._before)
        if device.type != "cpu" or self._cuda or not self._reset or self._resident is None:
            return None
        highest = resident_bytes("VmHWM")
        return None if highest is None else self._resident + max(0, highest - self._before)


def resident_bytes(kind: str = "VmRSS") -> int | None:
    """Bytes this process has resident (`VmRSS`), or had at most (`VmHWM`); None where that cannot be told."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:")]
    return found[0] if found else None
