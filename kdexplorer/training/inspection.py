"""A run opened to look at: its held-out images, and its networks at one of its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from kdexplorer.attribution import ATTRIBUTIONS, AttributionSpec
from kdexplorer.config import CONTROL, RunConfig
from kdexplorer.metrics.comparison import paired_bootstrap
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.weights import load_weights
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS, Example, Task
from kdexplorer.tasks.picture import sketch
from kdexplorer.training.attributions import Named, Target, agreement, attribution, attribution_maps
from kdexplorer.training.binding import layer_path
from kdexplorer.training.layers import spatial_layers
from kdexplorer.training.session import device_of

IMAGES = 48  # held-out images to choose from
PIXELS_AT_ONCE = 300_000  # attributed together


class Inspection:
    """The networks of a run, opened without its optimisers; nothing is written.

    Attributes:
        task: the run's task with its held-out data.
        notes: what is not as it was, in words.

    Raises:
        ConfigError: the data or the networks cannot be had any more.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.device = device_of("cpu" if config.training.device == "cpu" else "auto")
        self.task: Task = TASKS[config.task].open(config, self.device)
        self.notes: list[str] = []
        self._teacher = self._load_teacher()
        names = sorted((variant.name for variant in config.cohort), key=lambda name: name != CONTROL)
        self._students = {name: self._place(self._build_student()) for name in names}
        self._checkpoint: Path | None = None
        self._examples = self.task.examples(IMAGES)
        self._layers: dict[str, list[dict[str, Any]]] | None = None
        # The last question about alignment, and the teacher's maps for it: they are the same at every checkpoint.
        self._teacher_maps: tuple[object, dict[int, dict[str, Tensor]]] = (None, {})

    def _build_student(self) -> Network:
        return build_network(self.config.student, self.task.io, seed=self.config.training.seed)

    def _place(self, network: Network) -> Network:
        network.module.requires_grad_(False).eval().to(self.device).to(memory_format=torch.channels_last)
        return network

    def _load_teacher(self) -> Network | None:
        config = self.config.teacher
        if config is None:
            return None
        network = build_network(config, self.task.io, seed=self.config.training.seed)
        try:
            load_weights(network, config.weights)
        except ConfigError as error:
            self.notes.append(f"The teacher cannot be shown: {error}")
            return None
        return self._place(network)

    @property
    def networks(self) -> list[Named]:
        """(role, name, network): control, variants, teacher."""
        students = [
            ("control" if name == CONTROL else "variant", name, network)
            for name, network in self._students.items()
        ]
        return students + ([("teacher", "teacher", self._teacher)] if self._teacher else [])

    def go_to(self, checkpoint: Path) -> None:
        """Give the students the weights they had at a checkpoint.

        Raises:
            ConfigError: it is gone or damaged, or holds other networks.
        """
        if checkpoint == self._checkpoint:
            return
        self._checkpoint = None
        try:
            saved = list(json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))["knobs"])
            with safe_open(checkpoint / "state.safetensors", framework="pt") as tensors:
                keys = list(tensors.keys())
                for name, network in self._students.items():
                    # A fork's new variant began as its parent's first student.
                    place = f"{name if name in saved else saved[0]}/model/"
                    state = {
                        k.removeprefix(place): tensors.get_tensor(k) for k in keys if k.startswith(place)
                    }
                    network.module.load_state_dict(state)
        except (OSError, ValueError, KeyError, IndexError, SafetensorError):
            raise ConfigError(f"The checkpoint of step {int(checkpoint.name)} is gone or damaged.") from None
        except RuntimeError:
            raise ConfigError(
                f"The checkpoint of step {int(checkpoint.name)} holds other students."
            ) from None
        self._checkpoint = checkpoint

    def example(self, index: int) -> Example:
        """One of the held-out images.

        Raises:
            ConfigError: there is none of that number.
        """
        if index >= len(self._examples):
            raise ConfigError(f"image: choose one from 0 to {len(self._examples) - 1}.")
        return self._examples[index]

    @property
    def layers(self) -> dict[str, list[dict[str, Any]]]:
        """Layers that an attribution can read, by `teacher` and `student`; see `spatial_layers`."""
        if self._layers is None:
            pair = {"teacher": self._teacher, "student": next(iter(self._students.values()))}
            image = self._examples[0].input
            self._layers = {
                role: spatial_layers(network, image) if network else [] for role, network in pair.items()
            }
        return self._layers

    def facts(self) -> dict[str, Any]:
        """{images, classes, layers, layer, algorithms, task, notes}: what there is to choose from."""
        pair = {"teacher": self._teacher, "student": next(iter(self._students.values()))}
        names = {
            role: {layer["path"]: layer["name"] for layer in layers} for role, layers in self.layers.items()
        }
        return {
            "task": self.config.task,
            "classes": list(getattr(self.task, "classes", ())),
            "images": [self._image_facts(index) for index in range(len(self._examples))],
            "layers": self.layers,
            "layer": {
                role: names[role].get(network.attribution_layer) if network else None
                for role, network in pair.items()
            },
            "algorithms": [
                {"id": spec.id, "title": spec.title, "layered": spec.layered} for spec in self._algorithms()
            ],
            "notes": self.notes,
        }

    def _image_facts(self, index: int) -> dict[str, Any]:
        example = self._examples[index]
        shown: dict[str, Any] = {"index": index, "image": sketch(example.picture)}
        if example.label is None:
            return {**shown, "name": example.caption}
        return {**shown, "name": f"held-out {index}", "label": int(example.label)}

    def _algorithms(self) -> list[AttributionSpec]:
        flat = any(
            not self.layers[role] for role in ("teacher", "student") if role == "student" or self._teacher
        )
        first = TASKS[self.config.task].attribution
        fitting = [
            spec
            for spec in ATTRIBUTIONS
            if (not spec.tasks or self.config.task in spec.tasks) and not (flat and spec.layered)
        ]
        return sorted(fitting, key=lambda spec: spec.id != first)

    def _asked(
        self, algorithm: str | None, layer: Mapping[str, str | None], target: Target
    ) -> tuple[AttributionSpec, dict[str, str], Target]:
        """The algorithm, every network's module path, and the target, all checked."""
        fitting = {spec.id: spec for spec in self._algorithms()}
        if not fitting:
            raise ConfigError("No attribution fits these networks.")
        spec = next(iter(fitting.values())) if algorithm is None else fitting.get(algorithm)
        if spec is None:
            raise ConfigError(f"algorithm: for these networks choose one of {', '.join(fitting)}.")
        classes = len(getattr(self.task, "classes", ()))
        if isinstance(target, int) and target >= classes:
            raise ConfigError(f"target: choose label, predicted, or a class from 0 to {classes - 1}.")
        paths = {
            name: layer_path(network, named)
            for role, name, network in self.networks
            if (named := layer.get("teacher" if role == "teacher" else "student"))
        }
        return spec, paths, target

    def attribute(
        self, image: int, algorithm: str | None, layer: Mapping[str, str | None], target: Target
    ) -> dict[str, Any]:
        """All networks' maps on one held-out image.

        Returns:
            {algorithm, title, caption, panels: [{role, name, image, map, predicted, share}], alignment, inside}
        """
        spec, paths, target = self._asked(algorithm, layer, target)
        example = self.example(image)
        shown = attribution(self.networks, example, spec, layers=paths, target=target, alone=True)
        modules = {name: network.module for _, name, network in self.networks}
        for panel in shown["panels"]:
            if example.label is not None and panel["role"] != "input":
                with torch.no_grad():
                    shares = modules[panel["name"]](example.input).float().softmax(1)[0]
                panel["predicted"] = self.task.classes[int(shares.argmax())]  # type: ignore[attr-defined]
                panel["share"] = round(float(shares.max()), 4)
        shown["inside"] = {
            name: scores["inside"] for name, scores in shown["alignment"].items() if "inside" in scores
        }
        return shown

    def align(
        self, images: int, algorithm: str | None, layer: Mapping[str, str | None], target: Target
    ) -> dict[str, Any]:
        """Agreement with the teacher over the first `images` held-out images, as means with 95 % intervals.

        Returns:
            {images, alignment: {network: {measure: {mean, low, high}}}}
        """
        spec, paths, target = self._asked(algorithm, layer, target)
        examples = self._examples[:images]
        asked = (spec.id, paths.get("teacher"), target, len(examples))
        if self._teacher_maps[0] != asked:
            self._teacher_maps = (asked, {})
        values: dict[str, dict[str, list[float]]] = {}
        for index, part in enumerate(batches(examples)):
            known = self._teacher_maps[1].get(index, {})
            labels = [example.label for example in part if example.label is not None]
            maps = known | attribution_maps(
                [network for network in self.networks if network[1] not in known],
                torch.cat([example.input for example in part]),
                torch.cat(labels) if labels else None,
                spec,
                layers=paths,
                target=target,
            )
            self._teacher_maps[1][index] = {name: maps[name] for name in maps if name == "teacher"}
            masks = [example.mask for example in part if example.mask is not None]
            for name, scores in agreement(maps, torch.cat(masks) if masks else None).items():
                for measure, found in scores.items():
                    values.setdefault(name, {}).setdefault(measure, []).extend(found.tolist())
        try:
            alignment = {
                name: {measure: _interval(found) for measure, found in scores.items()}
                for name, scores in values.items()
            }
        except ValueError:
            raise ConfigError("The networks' maps are not finite at this step.") from None
        return {"images": len(examples), "alignment": alignment}


def batches(examples: list[Example]) -> Iterator[list[Example]]:
    """Neighbouring examples of one size, together at most `PIXELS_AT_ONCE` pixels."""
    part: list[Example] = []
    for example in examples:
        shape = example.input.shape
        full = part and (len(part) + 1) * shape[-2:].numel() > PIXELS_AT_ONCE
        if part and (full or part[0].input.shape != shape):
            yield part
            part = []
        part.append(example)
    if part:
        yield part


def _interval(values: list[float]) -> dict[str, float]:
    mean, low, high = paired_bootstrap(values, [0.0] * len(values))
    return {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
