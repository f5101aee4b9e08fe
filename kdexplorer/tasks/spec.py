"""What a task is: what an (input, target) pair is, its loss, its metrics, and what there is to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdexplorer.config import RunConfig
from kdexplorer.events import MetricInfo, Metrics
from kdexplorer.models import ModelIO
from kdexplorer.registry import Registry, Spec

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    """Inputs float [B, C, H, W] in [0, 1] (degraded ones may leave it a little) and what the task asks for:
    images [B, C, sH, sW], labels int64 [B], or label distributions [B, classes].

    `index`: int64 [B], which of the training images these are; None where they are cut or made anew."""

    input: Tensor
    target: Tensor
    index: Tensor | None = None


@dataclass(frozen=True)
class Evaluation:
    """A network on the held-out data: by metric one value an image (float64 [N]), and whatever else it scored.

    `note`: what a person should know of these scores, in words; empty where there is nothing."""

    per_image: dict[str, NDArray[np.float64]]
    other: Metrics = field(default_factory=dict)
    outputs: Tensor | None = None
    note: str = ""

    @property
    def means(self) -> Metrics:
        return {**{name: float(values.mean()) for name, values in self.per_image.items()}, **self.other}


@dataclass(frozen=True)
class Seen:
    """A network as a preview calls it.

    Attributes:
        role: `variant`, `control` or `teacher`.
        name: what the run calls it.
        forward: [B, C, H, W] → its output.
        known: its evaluation at this very step, where there was one.
    """

    role: str
    name: str
    forward: Forward
    known: Evaluation | None = None


@dataclass(frozen=True)
class Example:
    """One held-out image for attribution: input [1, C, H, W], label or None, what to draw under the map, a caption."""

    input: Tensor
    label: Tensor | None
    picture: Tensor
    caption: str
    mask: Tensor | None = None


class Task(Protocol):
    """A task with its data on one device.

    Attributes:
        io: what it asks of a network.
        metrics: how its scores are read; the verdict is about the first.
        samples: training images that `Batch.index` counts; 0 where there is no such number.
    """

    io: ModelIO
    metrics: tuple[MetricInfo, ...]
    samples: int

    def batch(self, step: int) -> Batch:
        """The batch of the update that follows `step`: always the same for the same run."""
        ...

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """The task's own loss, a scalar."""
        ...

    def evaluate(self, forward: Forward) -> Evaluation:
        """Score a network on the held-out data."""
        ...

    def input_metrics(self) -> Metrics:
        """Scores of the degraded input itself; empty where that means nothing."""
        ...

    def extra(self, evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
        """What else to say of all networks together, as JSON; may add to their `other` scores."""
        ...

    def preview(self, networks: Sequence[Seen]) -> dict[str, Any]:
        """What a person looks at, as JSON (images are PNG data URIs):

        restoration: {kind, convention, items: [{name, held_out, panels: [{role, name, image, metrics}]}], scores},
        `held_out` the place among the held-out images, None for another crop than is scored, `scores` as in
        `kdexplorer.tasks.image_scores`, where networks have been scored at this step;
        classification: {kind, classes, excluded, items: [{name, image, label, predictions:
        [{role, name, probabilities}]}], logits, scores}, the last two as in `kdexplorer.tasks.class_scores`.
        """
        ...

    def example(self) -> Example:
        """The image that attribution is shown on."""
        ...

    def examples(self, count: int) -> list[Example]:
        """The first `count` held-out images, one by one."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskSpec(Spec):
    """A kind of task.

    Attributes:
        open: (config, device) → Task, with its data loaded.
        attribution: id of the attribution that its previews show.
        io_of: config → what it asks of a network, as quickly as that can be known.
        samples_of: config → `Task.samples`, likewise.
        check_run: config → nothing; raises ConfigError for what `open` refuses and is known before data is loaded.
    """

    open: Callable[[RunConfig, torch.device], Task]
    io_of: Callable[[RunConfig], ModelIO]
    samples_of: Callable[[RunConfig], int] = lambda config: 0
    check_run: Callable[[RunConfig], None] = lambda config: None
    attribution: str


TASKS: Registry[TaskSpec] = Registry("tasks", "kdexplorer.tasks.kinds")
