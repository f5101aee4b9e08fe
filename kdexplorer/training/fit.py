"""The training loop."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from kdexplorer.commands import Command, Control
from kdexplorer.config import RunConfig
from kdexplorer.events import Evaluated, Event, RunFailed, RunFinished, RunResumed
from kdexplorer.params import ConfigError
from kdexplorer.training.cohort import NonFiniteLoss
from kdexplorer.training.control import ScriptedControl
from kdexplorer.training.cost import measure_cost
from kdexplorer.training.session import Session


def fit(
    config: RunConfig,
    control: Control | None = None,
    *,
    folder: Path | None = None,
    checkpoint: Path | None = None,
) -> Iterator[Event]:
    """Train a cohort and tell what happens.

    The same config on the same machine with the same number of threads gives the same bits, also through a pause,
    a kill and a resume, and a replay of the recorded commands. Seeds torch's global generator at every step.

    Args:
        config: the run.
        control: where commands come from; none come without it.
        folder: where checkpoints, previews and the students' weights go; nothing is written without it.
        checkpoint: a checkpoint's folder to go on from: the run's own, or another run's to fork from.

    Yields:
        `RunStarted`, what happens while it trains, and at last `RunFinished` or `RunFailed`: what goes wrong with
        the data, the networks, the numbers or the disk is told, not raised.
    """
    control = control or ScriptedControl()
    session: Session | None = None
    try:
        session = Session(config, folder, checkpoint)
        yield session.started()
        yield from _train(session, control)
    except Exception as error:
        failed = failure(error, session.step if session else 0)
        if failed is None:
            raise
        yield failed


def _train(session: Session, control: Control) -> Iterator[Event]:
    plan = session.config.training
    evaluated: Evaluated | None = None
    if session.from_checkpoint:
        yield RunResumed(step=session.step)
    else:
        yield session.evaluator.evaluate(0, first=True)
    first = session.step + 1
    while True:
        for command in _commands(session, control):
            yield from session.obey(command)
        if session.stopping or (session.step >= session.steps and not session.paused):
            break
        if session.paused and not session.allowance:
            continue
        session.cohort.train_step(session.step, session.steps)
        session.step += 1
        session.allowance = max(session.allowance - 1, 0)

        step, last = session.step, session.step == session.steps
        evaluating = step % plan.evaluate_every == 0 and not last
        saving = step % plan.checkpoint_every == 0 and not last
        if step % plan.log_every == 0 or step == first or last or evaluating or saving or session.paused:
            yield session.logged()  # raises on a loss that is not finite, so that no checkpoint keeps one
        if evaluating:
            evaluated = session.evaluator.evaluate(step)
            yield evaluated
            yield from session.plateaus(evaluated)
        if evaluating or step == first:
            yield from session.preview(always=step == first)
        if saving:
            yield from session.checkpoint()
        if last and session.paused:
            session.paused = False
    if session.cohort.has_unread_losses:
        yield session.logged()
    if evaluated is None or evaluated.step < session.step:
        evaluated = session.evaluator.evaluate(session.step)
        yield evaluated
        yield from session.plateaus(evaluated)
    yield from session.preview(always=True)
    yield from session.checkpoint()
    session.save_students(evaluated.variants)
    yield measure_cost(session)
    reason = "stopped" if session.stopping else "completed"
    yield RunFinished(step=session.step, reason=reason, seconds=session.seconds)  # type: ignore[arg-type]


def _commands(session: Session, control: Control) -> list[Command]:
    if not session.paused or session.allowance:
        return control.pending(session.step)
    begin = time.perf_counter()
    commands = control.wait(session.step)
    session.idle(time.perf_counter() - begin)
    return commands


def failure(error: Exception, step: int) -> RunFailed | None:
    """What a person reads when a run ends badly; None for a fault of ours, which is raised."""
    if isinstance(error, NonFiniteLoss):
        return RunFailed(
            step=error.step,
            reason=f"The {error.term} loss of {error.variant} was not finite at step {error.step}.",
            advice="Lower the learning rate or this term's weight, or set a gradient limit (clip norm); "
            "then fork from the last checkpoint.",
        )
    if isinstance(error, ConfigError):
        return RunFailed(step=step, reason=str(error))
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "out of memory" in str(error).lower():
        return RunFailed(step=step, reason="The machine ran out of memory.",
                         advice="Use a smaller batch, a smaller patch or a smaller network.")  # fmt: skip
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return RunFailed(step=step, reason="The disk is full: nothing more could be saved.",
                         advice="Free some space (delete old runs), then resume from the last checkpoint.")  # fmt: skip
    if isinstance(error, OSError):
        return RunFailed(step=step, reason=f"A file could not be read or written: {error}")
    return None
