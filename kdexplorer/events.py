"""What happens in a run, as values: the log that charts, viewers, the CLI and replays all read.

Events hold numbers and text only. `step` counts finished optimiser steps: step 0 is before the first one.
A reader that meets `RunResumed` drops what it knows of later steps: they are trained again.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Metrics = dict[str, float]  # by metric id, e.g. {"psnr": 28.31, "ssim": 0.8012}


class Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    step: int = 0


class RunQueued(Event):
    kind: Literal["queued"] = "queued"


class NetworkInfo(BaseModel):
    """A network in numbers. `metrics` are those on the held-out data, empty until measured."""

    model_config = ConfigDict(frozen=True)

    model: str
    parameters: int
    weights: str = "none"


class MetricInfo(BaseModel):
    """How a metric is called, shown and read; `convention` says how it was computed."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    unit: str
    digits: int
    higher_is_better: bool
    convention: str


class RunStarted(Event):
    kind: Literal["started"] = "started"
    steps: int
    device: str
    threads: int
    torch: str
    teacher: NetworkInfo | None
    student: NetworkInfo
    variants: tuple[str, ...]  # in the order of the cohort, the control last
    metrics: tuple[MetricInfo, ...]  # the first is the one that the verdict is about
    notes: tuple[str, ...] = ()  # what the person should know, e.g. which weights were loaded


class TermValue(BaseModel):
    """A loss term at one step: as its formula gives it, and what it adds to the sum."""

    model_config = ConfigDict(frozen=True)

    value: float
    weight: float

    @property
    def weighted(self) -> float:
        return self.value * self.weight


class StepLogged(Event):
    """Loss terms of every variant, each the mean since the last such event; those of another stage are left out.

    `gradients`: where it was looked at since, each weighted term's share of the sum of all gradient norms.
    `seen`: what a method noted at this step beside its loss, such as distances.
    """

    kind: Literal["step"] = "step"
    learning_rate: float
    steps_per_second: float
    losses: dict[str, dict[str, TermValue]]  # variant → term ("task" is the task's loss) → value
    gradients: dict[str, dict[str, float]] = Field(default_factory=dict)  # variant → term → share of the norm
    seen: dict[str, dict[str, dict[str, float]]] = Field(
        default_factory=dict
    )  # variant → term → name → value


class Verdict(BaseModel):
    """A variant against its control on the same held-out images.

    `difference` is distilled − control with a 95 % paired bootstrap interval over images, in the metric's unit.
    """

    model_config = ConfigDict(frozen=True)

    metric: str
    variant: str
    value: float
    control: float
    difference: float
    low: float
    high: float
    better: int
    worse: int
    total: int
    sentence: str


class Evaluated(Event):
    """Quality on the held-out data. `teacher` and `input` (the degraded image itself) are constants of the run."""

    kind: Literal["evaluated"] = "evaluated"
    variants: dict[str, Metrics]
    teacher: Metrics = Field(default_factory=dict)
    input: Metrics = Field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)  # what a task adds, e.g. per-class accuracy
    notes: tuple[str, ...] = ()  # what the person should know of these scores


class PreviewReady(Event):
    """Pictures to look at. `file` is JSON in the run's folder: see `kdexplorer.tasks.preview`."""

    kind: Literal["preview"] = "preview"
    file: str


class KnobTurned(Event):
    """A knob moved between step `step` and the next. `knob`: `learning_rate` or `<variant>.<term>.<param>`."""

    kind: Literal["knob"] = "knob"
    knob: str
    old: float
    new: float


class StepsExtended(Event):
    kind: Literal["extended"] = "extended"
    steps: int  # the new total


class CheckpointSaved(Event):
    kind: Literal["checkpoint"] = "checkpoint"
    folder: str  # inside the run's folder


class RunPaused(Event):
    kind: Literal["paused"] = "paused"


class RunResumed(Event):
    """Training goes on from `step`: after a pause, or from a checkpoint after the worker was lost."""

    kind: Literal["resumed"] = "resumed"


class CommandRefused(Event):
    """A command that could not be carried out, and why; the run goes on."""

    kind: Literal["refused"] = "refused"
    command: str
    reason: str


class NetworkCost(BaseModel):
    """What one held-out image costs a network: batch 1, the run's threads, the median of several forwards.

    `peak_bytes`: the most that its features hold at once, weights apart; None in runs of before it was measured.
    """

    model_config = ConfigDict(frozen=True)

    parameters: int
    multiply_adds: int
    latency_ms: float
    peak_bytes: int | None = None


class CostMeasured(Event):
    kind: Literal["cost"] = "cost"
    networks: dict[str, NetworkCost]  # teacher, student


class RunFinished(Event):
    kind: Literal["finished"] = "finished"
    reason: Literal["completed", "stopped"]
    seconds: float  # spent training and evaluating, pauses left out


class RunFailed(Event):
    kind: Literal["failed"] = "failed"
    reason: str  # what happened, for a person
    advice: str = ""  # what to change


AnyEvent = Annotated[
    RunQueued | RunStarted | StepLogged | Evaluated | PreviewReady | KnobTurned | StepsExtended
    | CheckpointSaved | RunPaused | RunResumed | CommandRefused | CostMeasured | RunFinished | RunFailed,
    Field(discriminator="kind"),
]  # fmt: skip

_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyEvent)


def event_from_dict(values: dict[str, Any]) -> Event:
    """Read an event back from its JSON."""
    event: Event = _ADAPTER.validate_python(values)
    return event
