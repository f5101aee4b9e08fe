"""`RunConfig`: the only description of a run. It is the file, the permalink, the CLI's input, the form's output.

Every number carries its bounds here. Names of models, methods, sources … are checked against their registries
(`kdexplorer.catalog.check_config`), so that this module knows none of them.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kdexplorer.params import ConfigError, Value

CONTROL = "control"
MAX_VARIANTS = 8
MAX_TERMS = 8
MAX_CODE = 20_000  # characters of a permalink; the JSON inside may hold ten times as many

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$")]
VariantName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,31}$")
]  # no dot: knobs are <variant>.<term>.<param>
Layer = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,120}$")]
Params = dict[Annotated[str, Field(max_length=64)], Value]


def knob(default: Any, help: str, *, title: str = "", group: str = "", **extra: Any) -> Any:
    """A field with what a form needs to draw it; `ge`, `le`, `gt`, `lt` and lengths are its bounds."""
    bounds = {k: extra.pop(k) for k in ("ge", "le", "gt", "lt", "min_length", "max_length") if k in extra}
    return Field(
        default, title=title or None, description=help, json_schema_extra={"group": group, **extra}, **bounds
    )


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Component(Frozen):
    """An entry of a registry with its parameters; those left out take their defaults."""

    id: Id
    params: Params = Field(default_factory=dict)


class Augmentation(Component):
    """An augmentation that is switched on."""

    probability: float = knob(0.5, "How often it is applied to an image.", ge=0, le=1)
    strength: float = knob(
        0.5, "How far it goes, from barely visible to the most that is sensible.", ge=0, le=1
    )


class DataConfig(Frozen):
    """Which images, and what is done to them."""

    source: Component = Component(id="photos")
    degradations: tuple[Component, ...] = knob((), "What makes the input worse, in order.", max_length=6)
    augmentations: tuple[Augmentation, ...] = knob((), "What makes the data richer.", max_length=16)
    patch: int = knob(
        48, "Side of the square that a restoration network trains on, measured in its input.",
        title="Training patch", group="data", ge=16, le=256, unit="px", tasks=["restoration"],
    )  # fmt: skip
    exclude_classes: tuple[Annotated[int, Field(ge=0, le=9999)], ...] = knob(
        (), "Classes that the students never see an image of.", title="Never shown", group="data",
        tasks=["classification"], max_length=100, advanced=True,
    )  # fmt: skip
    held_out: int = knob(
        48, "How many held-out images every evaluation looks at.", title="Held-out images",
        group="data", ge=2, le=2000, advanced=True,
    )  # fmt: skip
    held_out_crop: int = knob(
        96, "Side of the held-out crops; 0 takes whole images.", title="Held-out crop",
        group="data", ge=0, le=2048, unit="px", tasks=["restoration"], advanced=True,
    )  # fmt: skip


class NetworkConfig(Component):
    """A network and where its weights come from.

    `weights`: `none` (random), `bundled:<name>`, `pretrained` (the model's own hub), `file:<path>`,
    `upload:<id>`, or `run:<run id>` / `run:<run id>/<variant>` (a finished run's student).
    """

    weights: str = knob("none", "Where the weights come from.", max_length=500, group="networks")

    @field_validator("weights")
    @classmethod
    def _known_scheme(cls, weights: str) -> str:
        if weights in ("none", "pretrained") or re.match(r"^(bundled|file|upload|run):[^\x00]+$", weights):
            return weights
        raise ValueError(
            "weights are 'none', 'pretrained', 'bundled:<name>', 'file:<path>', 'upload:<id>' or 'run:<id>'"
        )


class Schedule(Frozen):
    """How a weight moves over the run: a factor on the term's weight.

    `constant`: 1. `linear`, `cosine`: from `start` to `end` between the two steps. `warmup`: from 0 to 1.
    `step`: `start` before `begin`, `end` from there on.
    """

    kind: Literal["constant", "linear", "cosine", "warmup", "step"] = "constant"
    start: float = knob(1.0, "Factor at the beginning.", ge=0, le=1000)
    end: float = knob(1.0, "Factor at the end.", ge=0, le=1000)
    begin: int = knob(0, "Step at which it begins to move.", ge=0, le=10_000_000)
    until: int = knob(0, "Step at which it arrives; 0 means the run's last step.", ge=0, le=10_000_000)


class LayerPair(Frozen):
    """A student's layer and the teacher's layer it imitates: stage names, or module paths."""

    student: Layer
    teacher: Layer


class TermConfig(Frozen):
    """One distillation term of a variant's objective."""

    method: Id
    weight: float = knob(1.0, "Factor on this term in the sum.", ge=0, le=100_000, live=True, log=True)
    schedule: Schedule = Schedule()
    params: Params = Field(default_factory=dict)
    layers: tuple[LayerPair, ...] = knob((), "Pairs of layers; empty pairs the named stages.", max_length=16)


class VariantConfig(Frozen):
    """One student of the cohort: its name and what it learns from."""

    name: VariantName = "distilled"
    task_weight: float = knob(
        1.0, "Factor on the task's own loss (labels, or the clean image); 0 learns from the teacher alone.",
        title="Label weight", group="distillation", ge=0, le=1000, live=True,
    )  # fmt: skip
    terms: tuple[TermConfig, ...] = knob((), "Distillation terms.", max_length=MAX_TERMS)

    @model_validator(mode="after")
    def _each_method_once(self) -> VariantConfig:
        methods = [term.method for term in self.terms]
        if len(set(methods)) < len(methods):
            raise ValueError("each method can stand in a variant only once")
        if self.task_weight == 0 and not self.terms:
            raise ValueError("a variant needs a label weight above 0 or at least one term")
        return self


class TrainingConfig(Frozen):
    """How the cohort is trained."""

    steps: int = knob(
        600, "Optimiser steps of every student.", group="training", ge=1, le=1_000_000, log=True
    )
    batch_size: int = knob(16, "Images a step.", title="Batch", group="training", ge=1, le=1024, log=True)
    learning_rate: float = knob(
        2e-3, "Step size of the optimiser.", title="Learning rate", group="training",
        ge=0, le=10, log=True, live=True,
    )  # fmt: skip
    optimizer: Literal["adam", "adamw", "sgd"] = knob(
        "adam", "Update rule; sgd has momentum 0.9.", title="Optimiser", group="training", advanced=True
    )
    weight_decay: float = knob(
        0.0, "Pull of the weights towards 0.", group="training", ge=0, le=1, advanced=True
    )
    lr_schedule: Literal["constant", "cosine", "step"] = knob(
        "cosine", "How the learning rate falls: cosine to 1 %, or ÷10 at 62, 75 and 87 % of the steps.",
        title="Learning-rate schedule", group="training", advanced=True,
    )  # fmt: skip
    warmup: int = knob(
        0, "Steps in which the learning rate rises.", group="training", ge=0, le=100_000, advanced=True
    )
    clip_norm: float = knob(
        0.0,
        "Gradients longer than this are shortened to it; 0 never.",
        group="training",
        ge=0,
        le=1e6,
        advanced=True,
    )
    seed: int = knob(0, "Same seed, same machine: same bits.", group="training", ge=0, le=2**31 - 1)
    log_every: int = knob(10, "Steps between two points of the loss curves.", group="training", ge=1, le=100_000, advanced=True)  # fmt: skip
    evaluate_every: int = knob(
        50,
        "Steps between two looks at the held-out data.",
        group="training",
        ge=1,
        le=1_000_000,
        advanced=True,
    )
    checkpoint_every: int = knob(
        100, "Steps between two checkpoints: what can be resumed and forked from.", group="training",
        ge=1, le=1_000_000, advanced=True,
    )  # fmt: skip
    device: Literal["auto", "cpu", "cuda", "mps"] = knob(
        "auto", "Where to compute; auto takes a GPU if there is one.", group="training", advanced=True
    )
    precision: Literal["float32", "bfloat16"] = knob(
        "float32", "bfloat16 is faster on recent GPUs only.", group="training", advanced=True
    )
    threads: int = knob(0, "CPU threads; 0 takes one a core.", group="training", ge=0, le=256, advanced=True)


class Parent(Frozen):
    """Where a fork came from."""

    run: Annotated[str, Field(pattern=r"^[0-9a-z\-]{6,40}$")]
    step: int = Field(ge=0)


class RunConfig(Frozen):
    """One run: a cohort of students, their data and their teacher."""

    version: Literal[1] = 1
    name: str = knob("", "What the history calls it.", max_length=80)
    task: Id = "restoration"
    data: DataConfig = DataConfig()
    teacher: NetworkConfig | None = None
    student: NetworkConfig = NetworkConfig(id="dncnn")
    variants: tuple[VariantConfig, ...] = knob(
        (), "The students that distil; without any, the control is trained alone.", max_length=MAX_VARIANTS
    )
    control: bool = knob(True, "Train a twin without distillation beside them.", group="distillation")
    training: TrainingConfig = TrainingConfig()
    parent: Parent | None = None

    @model_validator(mode="after")
    def _cohort_makes_sense(self) -> RunConfig:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names) or CONTROL in names:
            raise ValueError("variants need different names, and 'control' is the twin's")
        if not self.variants and not self.control:
            raise ValueError("nothing to train: add a variant or the control")
        if self.teacher is None and any(variant.terms for variant in self.variants):
            raise ValueError("distillation terms need a teacher: choose one")
        return self

    @property
    def cohort(self) -> tuple[VariantConfig, ...]:
        """All students that are trained: the variants, then the control."""
        twin = VariantConfig(name=CONTROL, task_weight=1.0)
        return (*self.variants, twin) if self.control else self.variants

    def to_json(self, indent: int | None = None) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=indent)

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """Read a config.

        Raises:
            ConfigError: with every problem, each as `place: what to change`.
        """
        try:
            values = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigError(f"This is not a run's configuration: {error}") from None
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Any) -> RunConfig:
        """As `from_json`, from what JSON holds."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None

    def to_code(self) -> str:
        """The whole config as text for a link: JSON, deflated, URL-safe base64."""
        return base64.urlsafe_b64encode(zlib.compress(self.to_json().encode(), 9)).decode().rstrip("=")

    @classmethod
    def from_code(cls, code: str) -> RunConfig:
        """Read a link's config.

        Raises:
            ConfigError: too long, inflates to too much, not base64, or no valid config.
        """
        if len(code) > MAX_CODE:
            raise ConfigError(f"This link's configuration is too long ({len(code):,} characters).")
        try:
            packed = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
            inflate = zlib.decompressobj()
            text = inflate.decompress(packed, 10 * MAX_CODE)
            if inflate.unconsumed_tail:
                raise ConfigError("This link's configuration inflates to too much.")
            return cls.from_json(text.decode())
        except (ValueError, zlib.error) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError("This link's configuration is damaged: copy the whole link.") from None


def explain(error: ValidationError) -> str:
    """Every problem of a validation as one line: `training.steps: should be at most …`."""
    lines = []
    for problem in error.errors(include_url=False):
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        got = problem.get("input")
        shown = f" (got {got!r:.60})" if isinstance(got, bool | int | float | str) else ""
        lines.append(f"{place + ': ' if place else ''}{message}{shown}")
    return "\n".join(lines)


def with_values(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """Return `config` with dotted paths set: `{"training.steps": 200, "variants.0.terms.0.weight": 2}`.

    A part of a list is named by its index, or by its `name`, `method` or `id`.

    Raises:
        ConfigError: a path leads nowhere, or the result is not valid.
    """
    tree = config.model_dump(mode="json")
    for path, value in changes.items():
        *parents, last = path.split(".")
        node: Any = tree
        for part in parents:
            node = _child(node, part, path)
        if isinstance(node, list):
            node[_index(node, last, path)] = value
        elif isinstance(node, dict):
            node[last] = value  # an unknown name is refused by the validation below
        else:
            raise ConfigError(f"{path}: there is no such setting.")
    return RunConfig.from_dict(tree)


def _child(node: Any, part: str, path: str) -> Any:
    if isinstance(node, dict) and part in node:
        return node[part]
    if isinstance(node, list):
        return node[_index(node, part, path)]
    raise ConfigError(f"{path}: there is no such setting.")


def _index(node: list[Any], part: str, path: str) -> int:
    for index, item in enumerate(node):
        names = (item.get("name"), item.get("method"), item.get("id")) if isinstance(item, dict) else ()
        if part == str(index) or part in names:
            return index
    raise ConfigError(f"{path}: there is no {part!r} here.")
