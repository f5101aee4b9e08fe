"""Controls that need no store: a script of commands by step, and the script that repeats a recorded run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kdexplorer.commands import Command, Extend, Resume, SetKnob, Stop
from kdexplorer.events import (
    CheckpointSaved,
    Event,
    KnobTurned,
    RunFinished,
    RunResumed,
    RunStarted,
    StepsExtended,
)

Script = dict[int, list[Command]]


class ScriptedControl:
    """Gives each command once, before the step after the one it stands at; `wait` ends a forgotten pause.

    Args:
        commands: by finished steps, the commands to apply there, in order.
    """

    def __init__(self, commands: Mapping[int, Iterable[Command]] | None = None) -> None:
        self._commands = {step: list(at) for step, at in (commands or {}).items()}

    def pending(self, step: int) -> list[Command]:
        return self._commands.pop(step, [])

    def wait(self, step: int) -> list[Command]:
        return self.pending(step) or [Resume()]


def replay_commands(events: Iterable[Event], checkpoint: int | None = None) -> Script:
    """What was done to a run, by step: doing it again gives the same bits.

    A run that was killed and resumed trained some steps twice. What was done in the lost part is kept until the
    second pass has gone by that step, where the log has it again.

    Args:
        checkpoint: only what came after the checkpoint of this step was saved; leaves out how the run ended.
    """
    done: list[tuple[int, Command]] = []
    lost: list[tuple[int, Command]] = []
    total, starts, ended = 0, 0, None
    for event in events:
        ended = None
        lost = [(step, command) for step, command in lost if step >= event.step]
        if isinstance(event, RunStarted):
            total, starts = event.steps, starts + 1
        elif isinstance(event, RunResumed) and starts > 1:
            lost += [(step, command) for step, command in done if step >= event.step]
            done = [(step, command) for step, command in done if step < event.step]
            starts = 1
        elif isinstance(event, CheckpointSaved) and event.step == checkpoint:
            done.clear()
        elif isinstance(event, KnobTurned | StepsExtended):
            lost = [(step, command) for step, command in lost if step > event.step]
            if isinstance(event, KnobTurned):
                done.append((event.step, SetKnob(knob=event.knob, value=event.new)))
            else:
                done.append((event.step, Extend(steps=event.steps - total)))
                total = event.steps
        elif isinstance(event, RunFinished) and event.reason == "stopped":
            ended = event.step
    if ended is not None and checkpoint is None:
        done.append((ended, Stop()))
    script: Script = {}
    for step, command in done + lost:
        script.setdefault(step, []).append(command)
    return script
