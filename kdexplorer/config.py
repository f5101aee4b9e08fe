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

from pydantic import Field, ValidationError, field_validator, model_validator

from kdexplorer.config_fields import Component, Frozen, Id, Params, VariantName, knob
from kdexplorer.config_objective import (
    MAX_TERMS,
    TASK,
    Active,
    FeatureNoise,
    LayerPair,
    Schedule,
    TermConfig,
    VariantConfig,
)
from kdexplorer.params import ConfigError

__all__ = [
    "CONTROL", "MAX_CODE", "MAX_TEACHERS", "MAX_TERMS", "MAX_VARIANTS", "TASK", "Active", "Augmentation",
    "Component", "DataConfig", "FeatureNoise", "Frozen", "LayerPair", "NetworkConfig", "Params", "Parent",
    "RunConfig", "Schedule", "TeacherConfig", "TermConfig", "TrainingConfig", "VariantConfig", "explain", "knob",
    "with_values",
]  # fmt: skip

CONTROL = "control"
MAX_VARIANTS = 8
MAX_TEACHERS = 4  # beside the first
MAX_CODE = 20_000  # characters of a permalink; the JSON inside may hold ten times as many
WITHOUT_NETWORK = ("ema", "self", "peers")  # teachers that the students themselves are


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
    gray: bool = knob(
        False, "Turns color photos gray, for networks of one channel.", title="Gray images", group="data",
        tasks=["restoration"], advanced=True,
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


class TeacherConfig(NetworkConfig):
    """One of several teachers."""

    weight: float = knob(
        1.0, "Its part in the mean of all teachers' responses; the first teacher has 1.", ge=0, le=1000
    )


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
    gradient_every: int = knob(
        50, "Steps between two looks at each term's share of the gradient; 0 never looks.",
        title="Gradient shares", group="training", ge=0, le=1_000_000, advanced=True,
    )  # fmt: skip


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
    teachers: dict[VariantName, TeacherConfig] = knob(
        {}, "Further teachers by name, for terms to choose from.", max_length=MAX_TEACHERS
    )

    @model_validator(mode="after")
    def _cohort_makes_sense(self) -> RunConfig:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names) or CONTROL in names:
            raise ValueError("variants need different names, and 'control' is the twin's")
        if not self.variants and not self.control:
            raise ValueError("nothing to train: add a variant or the control")
        if taken := {"teacher", "mean", *WITHOUT_NETWORK} & self.teachers.keys():
            raise ValueError(f"a teacher cannot be called {min(taken)!r}: that means another one")
        for variant in self.variants:
            for term in variant.terms:
                self._check_teacher(variant.name, term.teacher)
        return self

    def _check_teacher(self, variant: str, teacher: str) -> None:
        others = [other.name for other in self.cohort if other.name != variant]
        if teacher == "teacher" and self.teacher is None:
            raise ValueError("distillation terms need a teacher: choose one")
        if teacher == "mean" and len(self.teachers) + (self.teacher is not None) < 2:
            raise ValueError("the mean of all teachers needs at least two: add one")
        if teacher == "peers" and not set(others) - {CONTROL}:
            raise ValueError("peers teach each other: add a second variant")
        if teacher.startswith("variant:") and teacher.removeprefix("variant:") not in others:
            raise ValueError(f"{variant}: no other variant is called {teacher.removeprefix('variant:')!r}")
        known = {"teacher", "mean", *WITHOUT_NETWORK, *self.teachers}
        if not teacher.startswith("variant:") and teacher not in known:
            raise ValueError(f"there is no teacher {teacher!r}; there is: {', '.join(sorted(known))}")

    @property
    def cohort(self) -> tuple[VariantConfig, ...]:
        """All students that are trained: the variants, then the control."""
        twin = VariantConfig(name=CONTROL, task_weight=1.0)
        return (*self.variants, twin) if self.control else self.variants

    @property
    def networks(self) -> dict[str, NetworkConfig]:
        """All networks by their place in the config: `teacher`, `student`, `teachers.<name>`."""
        first = {"teacher": self.teacher} if self.teacher else {}
        more = {f"teachers.{name}": teacher for name, teacher in self.teachers.items()}
        return {**first, "student": self.student, **more}

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
