"""What a student learns from: a variant's task loss and terms, how their weights move, when each is active."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kdexplorer.config_fields import Frozen, Id, Layer, Params, VariantName, knob

MAX_TERMS = 8
MAX_PAIRS = 16  # of layers, a term
MAX_STAGES = 8
TASK = "task"  # what the task's own loss is called among a variant's terms

TermName = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_\-]{0,31})?$")]
TeacherName = Annotated[str, Field(pattern=r"^(variant:)?[a-z0-9][a-z0-9_\-]{0,31}$")]


class Schedule(Frozen):
    """How a weight or a live parameter moves over the run: a factor on what its knob says.

    A temperature of 1 with `start` 3 and `end` 1 falls from 3 to 1; turning its knob scales the rest of the way.
    `constant`: 1. `linear`, `cosine`: from `start` to `end` between the two steps. `warmup`: from 0 to 1.
    `step`: `start` before `begin`, `end` from there on.
    """

    kind: Literal["constant", "linear", "cosine", "warmup", "step"] = "constant"
    start: float = knob(1.0, "Factor at the beginning.", ge=0, le=1000)
    end: float = knob(1.0, "Factor at the end.", ge=0, le=1000)
    begin: int = knob(0, "Step at which it begins to move.", ge=0, le=10_000_000)
    until: int = knob(0, "Step at which it arrives; 0 means the run's last step.", ge=0, le=10_000_000)


class Active(Frozen):
    """When a term is in the sum: `begin` ≤ finished steps < `until`, and `stage` ≤ plateaus so far < `until_stage`.

    A plateau is what the variant's `patience` says.
    """

    begin: int = knob(0, "Finished steps after which it joins.", ge=0, le=10_000_000)
    until: int = knob(0, "Finished steps after which it leaves; 0 never.", ge=0, le=10_000_000)
    stage: int = knob(0, "Plateaus after which it joins.", ge=0, le=MAX_STAGES)
    until_stage: int = knob(0, "Plateaus after which it leaves; 0 never.", ge=0, le=MAX_STAGES)

    @model_validator(mode="after")
    def _not_empty(self) -> Active:
        if self.until and self.until <= self.begin:
            raise ValueError("a stage ends after it begins: set 'until' above 'begin', or to 0")
        if self.until_stage and self.until_stage <= self.stage:
            raise ValueError("a stage ends after it begins: set 'until_stage' above 'stage', or to 0")
        return self


class FeatureNoise(Frozen):
    """Augmentation of the tapped features, drawn once a step and applied to both networks alike."""

    mask: float = knob(0.0, "Share of the positions that are set to 0.", ge=0, le=0.95)
    shuffle: float = knob(0.0, "Share of the channels that change places.", ge=0, le=1)


class LayerPair(Frozen):
    """A student's layer and the teacher's layer it imitates: stage names, or module paths."""

    student: Layer
    teacher: Layer


class TermConfig(Frozen):
    """One distillation term of a variant's objective.

    `teacher`: `teacher` (the run's), the name of one of the run's further `teachers`, `mean` (of all their
    responses), `ema` (a moving average of the student itself), `self` (its own deeper layers), `peers` (the mean
    response of the other variants) or `variant:<name>`.
    """

    method: Id
    weight: float = knob(1.0, "Factor on this term in the sum.", ge=0, le=100_000, live=True, log=True)
    schedule: Schedule = Schedule()
    params: Params = Field(default_factory=dict)
    layers: tuple[LayerPair, ...] = knob(
        (), "Pairs of layers; empty pairs the named stages.", max_length=MAX_PAIRS
    )
    name: TermName = knob(
        "", "What tells it from another term of the same method; empty takes the method's id.", drawn=False
    )
    schedules: dict[Annotated[str, Field(max_length=64)], Schedule] = knob(
        {}, "How its live parameters move, by name, e.g. the temperature.", max_length=8
    )
    active: Active = Active()
    teacher: TeacherName = knob("teacher", "Who teaches.", drawn=False)
    projector: Literal["none", "conv", "conv_norm", "mlp"] = knob(
        "none", "What brings the student's channels to the teacher's before they are compared: nothing, a learned "
        "1 × 1 convolution, one with norm, or two with a ReLU between.", drawn=False,
    )  # fmt: skip
    noise: FeatureNoise = FeatureNoise()
    levels: Literal["equal", "importance"] = knob(
        "equal", "How several pairs of layers share the term's weight; importance gives more to those that the "
        "student is further from.", drawn=False,
    )  # fmt: skip

    @property
    def id(self) -> str:
        """What losses, knobs and checkpoints call it."""
        return self.name or self.method


class VariantConfig(Frozen):
    """One student of the cohort: its name and what it learns from."""

    name: VariantName = "distilled"
    task_weight: float = knob(
        1.0, "Factor on the task's own loss (labels, or the clean image); 0 learns from the teacher alone.",
        title="Label weight", group="distillation", ge=0, le=1000, live=True,
    )  # fmt: skip
    terms: tuple[TermConfig, ...] = knob((), "Distillation terms.", max_length=MAX_TERMS)
    task_schedule: Schedule = Schedule()
    balance: Literal["fixed", "magnitude", "uncertainty"] = knob(
        "fixed", "What else moves the weights: nothing; magnitude brings every term to the size of the task's loss; "
        "uncertainty learns them (arXiv 1705.07115).", title="Balance",
    )  # fmt: skip
    ema_decay: float = knob(
        0.999,
        "How much of the student's moving average stays at a step: 0.99 looks back about 100 steps.",
        title="Average's memory",
        ge=0,
        le=0.99999,
    )
    own_start: bool = knob(
        False,
        "Begin with random weights of its own: variants that teach each other must differ. Then a part of "
        "the difference to the control is the luck of the start: use several seeds.",
        title="Own start",
    )
    patience: int = knob(
        0,
        "Evaluations in a row without a better held-out score that end a stage; 0 never. The held-out images then "
        "have a part in the training.",
        ge=0,
        le=1000,
    )

    @model_validator(mode="after")
    def _terms_make_sense(self) -> VariantConfig:
        names = [term.id for term in self.terms]
        if len(set(names)) < len(names):
            raise ValueError("each method can stand in a variant only once: give further ones a name")
        if TASK in names:
            raise ValueError(f"no term can be called {TASK!r}: that is the task's own loss")
        if not self.patience and any(term.active.stage or term.active.until_stage for term in self.terms):
            raise ValueError("stages end at plateaus: set the variant's 'patience' to 1 evaluation or more")
        if self.task_weight == 0 and not self.terms:
            raise ValueError("a variant needs a label weight above 0 or at least one term")
        return self
