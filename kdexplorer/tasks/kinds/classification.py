"""Classification: which class an image shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.config import RunConfig
from kdexplorer.data import SOURCES, LabelledData
from kdexplorer.data.draws import generator
from kdexplorer.data.pipeline import augment
from kdexplorer.events import MetricInfo, Metrics
from kdexplorer.metrics.classification import (
    accuracy,
    agreement,
    expected_calibration_error,
    per_class_accuracy,
)
from kdexplorer.models import ModelIO
from kdexplorer.params import ConfigError
from kdexplorer.tasks.class_scores import in_turn, logits_of, scores_of
from kdexplorer.tasks.picture import data_uri, thumbnail
from kdexplorer.tasks.spec import TASKS, Batch, Evaluation, Example, Forward, Seen, TaskSpec

PREVIEWS = 8
PIXELS_AT_ONCE = 600_000


class Classification:
    """Labelled images; cross-entropy; accuracy, calibration, and agreement with the teacher."""

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        self.device, self.config = device, config.data
        self.seed, self.batch_size = config.training.seed, config.training.batch_size
        source = SOURCES[config.data.source.id]
        data = source.load(source.check(config.data.source.params), config.data.exclude_classes)
        self.data: LabelledData = data.to(device)
        self.classes = tuple(self.data.classes)
        self.samples = self.data.samples
        excluded = set(config.data.exclude_classes)
        if len(self.classes) - len(excluded) < 2:
            raise ConfigError("data.exclude_classes: at least two classes must remain.")
        self.excluded = sorted(excluded)
        self.io = ModelIO(channels=self.data.channels, classes=len(self.classes), size=self.data.size)
        self.held_out = self.data.held_out(config.data.held_out)
        count = len(self.held_out.labels)
        self.metrics: tuple[MetricInfo, ...] = (
            MetricInfo(id="accuracy", title="Accuracy", unit="%", digits=1, higher_is_better=True,
                       convention=f"top-1 on {count} held-out images"),
            MetricInfo(id="ece", title="Calibration error", unit="%", digits=1, higher_is_better=False,
                       convention="expected calibration error, 15 bins, confidence at T = 1"),
        )  # fmt: skip
        if config.teacher is not None:
            self.metrics += (
                MetricInfo(id="agreement", title="Agreement", unit="%", digits=1, higher_is_better=True,
                           convention="share of held-out images on which it says what the teacher says"),
            )  # fmt: skip
        self._chosen = self._choose()
        self._thumbnails: dict[int, str] = {}

    def _choose(self) -> list[int]:
        """Held-out images to look at: the unseen classes first, then one of each class in turn."""
        labels = self.held_out.labels.tolist()
        by_class = {
            label: [i for i, other in enumerate(labels) if other == label] for label in sorted(set(labels))
        }
        turns = [[by_class[c][0]] for c in by_class if c not in self.excluded]
        unseen = [index for c in self.excluded for index in by_class.get(c, [])[:3]]
        chosen = unseen + [index for turn in turns for index in turn]
        rest = [i for i in range(len(labels)) if i not in chosen]
        return (chosen + rest)[:PREVIEWS]

    def batch(self, step: int) -> Batch:
        drawn = self.data.draw(self.batch_size, generator("cpu", "batch", self.seed, step))
        images, target = drawn.images, drawn.labels
        if self.config.augmentations:
            views = generator(self.device, "views", self.seed, step)
            labels = F.one_hot(drawn.labels, len(self.classes)).to(images.dtype)
            images, mixed = augment(images, labels, self.config.augmentations, views)
            if mixed is not None and mixed is not labels:
                target = mixed
        return Batch(images.contiguous(memory_format=torch.channels_last), target, drawn.index)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(output.float(), batch.target)

    def _logits(self, forward: Forward) -> Tensor:
        """Of all held-out images, float32 [N, classes]."""
        at_once = max(1, PIXELS_AT_ONCE // (self.io.size**2))
        return torch.cat([forward(part).float() for part in self.held_out.images.split(at_once)])

    def evaluate(self, forward: Forward) -> Evaluation:
        logits, labels = self._logits(forward), self.held_out.labels
        right = accuracy(logits, labels).double().mul(100).cpu().numpy()
        ece = 100 * float(expected_calibration_error(logits, labels))
        return Evaluation({"accuracy": right}, {"ece": ece}, logits)

    def input_metrics(self) -> Metrics:
        return {}

    def extra(self, evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
        labels = self.held_out.labels
        teacher = evaluations.get("teacher")
        per_class = {}
        for name, evaluation in evaluations.items():
            assert evaluation.outputs is not None
            values = per_class_accuracy(evaluation.outputs, labels).mul(100).tolist()
            per_class[name] = [round(v, 2) if v == v else None for v in values]  # a class may have no image
            if teacher is not None and teacher.outputs is not None and name != "teacher":
                same = agreement(evaluation.outputs, teacher.outputs).float().mean()
                evaluation.other["agreement"] = 100 * float(same)
        return {"classes": list(self.classes), "excluded": self.excluded, "per_class": per_class}

    def _thumbnail(self, index: int) -> str:
        if index not in self._thumbnails:
            self._thumbnails[index] = thumbnail(self.held_out.images[index])
        return self._thumbnails[index]

    def preview(self, networks: Sequence[Seen]) -> dict[str, Any]:
        outputs = {}
        for n in networks:
            said = n.known.outputs if n.known is not None else None
            outputs[n.name] = self._logits(n.forward) if said is None else said
        roles = {n.name: n.role for n in networks}
        labels = self.held_out.labels
        believed = {name: logits[self._chosen].softmax(1).tolist() for name, logits in outputs.items()}
        items = [
            {
                "name": f"held-out {index}",
                "image": data_uri(self.held_out.images[index]),
                "label": int(labels[index]),
                "predictions": [
                    {"role": roles[name], "name": name, "probabilities": [round(p, 4) for p in rows[place]]}
                    for name, rows in believed.items()
                ],
            }
            for place, index in enumerate(self._chosen)
        ]
        order = self._chosen + [i for i in in_turn(labels) if i not in self._chosen]
        return {
            "kind": "classification",
            "convention": "softmax probabilities at T = 1",
            "classes": list(self.classes),
            "excluded": self.excluded,
            "items": items,
            "logits": logits_of(outputs, roles, labels, order, self._thumbnail),
            "scores": scores_of(outputs, roles, labels, self._thumbnail),
        }

    def example(self) -> Example:
        return self._example(self._chosen[0])

    def examples(self, count: int) -> list[Example]:
        return [self._example(i) for i in range(min(count, len(self.held_out.labels)))]

    def _example(self, i: int) -> Example:
        label = self.held_out.labels[i : i + 1]
        mask = None if self.held_out.masks is None else self.held_out.masks[i : i + 1]
        image = self.held_out.images[i : i + 1]
        return Example(image, label, image[0], f"class {self.classes[int(label)]}", mask)


def io_of(config: RunConfig) -> ModelIO:
    """What the classes and images of the config's source ask of a network."""
    source = SOURCES[config.data.source.id]
    params = source.check(config.data.source.params)
    if source.known is not None:
        channels, classes, size = source.known(params)
        return ModelIO(channels=channels, classes=classes, size=size)
    data: LabelledData = source.load(params, config.data.exclude_classes)
    return ModelIO(channels=data.channels, classes=len(data.classes), size=data.size)


def samples_of(config: RunConfig) -> int:
    """Training images that a batch's `index` counts."""
    source = SOURCES[config.data.source.id]
    if source.known is not None:
        return source.samples
    data: LabelledData = source.load(source.check(config.data.source.params), config.data.exclude_classes)
    return data.samples


TASKS.add(
    TaskSpec(
        id="classification",
        title="Image classification",
        order=20,
        summary="Which class an image shows.",
        open=Classification,
        io_of=io_of,
        samples_of=samples_of,
        attribution="grad_cam",
    )
)
