"""A run opened to look at: its held-out images, and its networks at one of its checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from kdexplorer.config import CONTROL, RunConfig
from kdexplorer.data import SOURCES
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.weights import load_weights
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS, Example, Task
from kdexplorer.training.attributions import Named
from kdexplorer.training.layers import spatial_layers
from kdexplorer.training.session import device_of

IMAGES = 48  # held-out images to choose from


def _without_training(config: RunConfig) -> RunConfig:
    """The same held-out data, with as little as its source can make to train on."""
    source = SOURCES[config.data.source.id]
    params = source.less_training(source.check(config.data.source.params))
    few = config.data.source.model_copy(update={"params": dict(params)})
    return config.model_copy(update={"data": config.data.model_copy(update={"source": few})})


class OpenedRun:
    """The networks of a run, opened without its optimisers; nothing is written.

    Attributes:
        task: the run's task with its held-out data.
        teacher: its network, or None.
        examples: the first `IMAGES` held-out images.
        notes: what is not as it was, in words.

    Raises:
        ConfigError: the data or the networks cannot be had any more.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.device = device_of("cpu" if config.training.device == "cpu" else "auto")
        self.task: Task = TASKS[config.task].open(_without_training(config), self.device)
        self.notes: list[str] = []
        self.teacher = self._load_teacher()
        names = sorted((variant.name for variant in config.cohort), key=lambda name: name != CONTROL)
        self._students = {name: self._place(self._build_student()) for name in names}
        self._checkpoint: Path | None = None
        self.examples = self.task.examples(IMAGES)
        self._layers: dict[str, list[dict[str, Any]]] | None = None

    def _build_student(self) -> Network:
        return build_network(self.config.student, self.task.io, seed=self.config.training.seed)

    def _place(self, network: Network) -> Network:
        network.module.requires_grad_(False).eval().to(self.device).to(memory_format=torch.channels_last)
        return network

    def _load_teacher(self) -> Network | None:
        config = self.config.teacher
        if config is None:
            return None
        try:
            # A checkpoint of another family is read here already.
            network = build_network(config, self.task.io, seed=self.config.training.seed)
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
        return students + ([("teacher", "teacher", self.teacher)] if self.teacher else [])

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
        if index >= len(self.examples):
            raise ConfigError(f"image: choose one from 0 to {len(self.examples) - 1}.")
        return self.examples[index]

    @property
    def layers(self) -> dict[str, list[dict[str, Any]]]:
        """Layers that an attribution can read, by `teacher` and `student`; see `spatial_layers`."""
        if self._layers is None:
            pair = {"teacher": self.teacher, "student": next(iter(self._students.values()))}
            image = self.examples[0].input
            self._layers = {
                role: spatial_layers(network, image) if network else [] for role, network in pair.items()
            }
        return self._layers
