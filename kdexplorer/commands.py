"""What a person can ask of a run while it goes on. Each is applied between two steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Pause(Command):
    kind: Literal["pause"] = "pause"


class Resume(Command):
    kind: Literal["resume"] = "resume"


class Step(Command):
    """Do `count` steps, then pause (again)."""

    kind: Literal["step"] = "step"
    count: int = Field(1, ge=1, le=10_000)


class Stop(Command):
    """End here and keep everything: evaluates, saves a checkpoint, finishes."""

    kind: Literal["stop"] = "stop"


class Extend(Command):
    """N more steps."""

    kind: Literal["extend"] = "extend"
    steps: int = Field(ge=1, le=1_000_000)


class SetKnob(Command):
    """Turn a knob: `learning_rate`, `<variant>.task_weight`, `<variant>.<term>.weight`, `<variant>.<term>.<param>`."""

    kind: Literal["set"] = "set"
    knob: str = Field(max_length=200)
    value: float


class Checkpoint(Command):
    """Save a checkpoint now, so that one can fork from here."""

    kind: Literal["checkpoint"] = "checkpoint"


AnyCommand = Annotated[
    Pause | Resume | Step | Stop | Extend | SetKnob | Checkpoint, Field(discriminator="kind")
]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyCommand)


def command_from_dict(values: dict[str, Any]) -> Command:
    """Read a command.

    Raises:
        pydantic.ValidationError: unknown kind, or a number out of bounds.
    """
    command: Command = _ADAPTER.validate_python(values)
    return command


class Control(Protocol):
    """Where the training loop finds its commands."""

    def pending(self, step: int) -> list[Command]:
        """Commands to apply before the step after `step`; returns at once. Called between any two steps."""
        ...

    def wait(self, step: int) -> list[Command]:
        """As `pending`, but blocks until there is at least one; called while the run is paused."""
        ...
