"""What a person asks of an opened run: what there is to choose, where its networks look, how well they agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from kdexplorer.attribution import ATTRIBUTIONS, AttributionSpec
from kdexplorer.attribution.algorithms.local_attribution import Patch
from kdexplorer.config import RunConfig
from kdexplorer.metrics.comparison import paired_bootstrap
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS, Example, Seen
from kdexplorer.tasks.kinds.restoration import Restoration
from kdexplorer.tasks.picture import sketch
from kdexplorer.training.attributions import Target, agreement, attribution, attribution_maps
from kdexplorer.training.binding import layer_path
from kdexplorer.training.local_attributions import local_attributions, local_maps
from kdexplorer.training.opened_run import OpenedRun

PIXELS_AT_ONCE = 300_000  # attributed together


class Inspection(OpenedRun):
    """An opened run that answers questions with JSON."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__(config)
        # The last question about alignment, and the teacher's maps for it: they are the same at every checkpoint.
        self._teacher_maps: tuple[object, dict[int, dict[str, Tensor]]] = (None, {})
        self._teacher_local: tuple[object, dict[str, Tensor]] = (None, {})

    def facts(self) -> dict[str, Any]:
        """{images, classes, layers, layer, algorithms, task, notes}: what there is to choose from."""
        pair = {"teacher": self.teacher, "student": next(iter(self._students.values()))}
        names = {
            role: {layer["path"]: layer["name"] for layer in layers} for role, layers in self.layers.items()
        }
        return {
            "task": self.config.task,
            "classes": list(getattr(self.task, "classes", ())),
            "images": [self._image_facts(index) for index in range(len(self.examples))],
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
        example = self.examples[index]
        shown: dict[str, Any] = {"index": index, "image": sketch(example.picture)}
        if example.label is None:
            return {**shown, "name": example.caption}
        return {**shown, "name": f"held-out {index}", "label": int(example.label)}

    def _algorithms(self) -> list[AttributionSpec]:
        flat = any(
            not self.layers[role] for role in ("teacher", "student") if role == "student" or self.teacher
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

    def local(self, image: int, patch: Patch, variant: str | None) -> dict[str, Any]:
        """Local attribution maps of teacher, one variant (None: the first) and control, for a patch of one image.

        Returns:
            {caption, picture, size, window, counted, patch, panels, alignment}, see `local_attributions`

        Raises:
            ConfigError: not a restoration, no such image or variant, or a patch that does not fit.
        """
        if not isinstance(self.task, Restoration):
            raise ConfigError("Local attribution maps explain restored patches: choose a run on restoration.")
        names = [name for role, name, _ in self.networks if role == "variant"]
        chosen = next(iter(names), None) if variant is None else variant
        if variant is not None and variant not in names:
            raise ConfigError(f"variant: choose one of {', '.join(names)}.")
        networks = [found for found in self.networks if found[0] != "variant" or found[1] == chosen]
        example, scale = self.example(image), self.task.scale
        known = self._teacher_local[1] if self._teacher_local[0] == (image, patch) else {}
        maps = local_maps(networks, example, patch, scale, known)
        self._teacher_local = ((image, patch), {name: maps[name] for name in maps if name == "teacher"})
        return local_attributions(maps, networks, example, patch, scale)

    def restored(self, image: int) -> dict[str, Any]:
        """One held-out image as all networks restore it, see `Restoration.restored`.

        Raises:
            ConfigError: not a restoration, or no such image.
        """
        if not isinstance(self.task, Restoration):
            raise ConfigError("Only images that are restored can be shown so: choose a run on restoration.")
        with torch.no_grad():
            return self.task.restored(
                image, [Seen(role, name, network.module) for role, name, network in self.networks]
            )

    def align(
        self, images: int, algorithm: str | None, layer: Mapping[str, str | None], target: Target
    ) -> dict[str, Any]:
        """Agreement with the teacher over the first `images` held-out images, as means with 95 % intervals.

        Images of which a map has no such score, being empty or constant, are left out of its mean: `of` were looked
        at, `images` counted; without any the mean is None.

        Returns:
            {images, alignment: {network: {measure: {mean, low, high, images, of}}}}
        """
        spec, paths, target = self._asked(algorithm, layer, target)
        examples = self.examples[:images]
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
            if not all(map.isfinite().all() for map in maps.values()):
                raise ConfigError("The networks' maps are not finite at this step.")
            self._teacher_maps[1][index] = {name: maps[name] for name in maps if name == "teacher"}
            masks = [example.mask for example in part if example.mask is not None]
            for name, scores in agreement(maps, torch.cat(masks) if masks else None).items():
                for measure, found in scores.items():
                    values.setdefault(name, {}).setdefault(measure, []).extend(found.tolist())
        alignment = {
            name: {measure: _interval(found) for measure, found in scores.items()}
            for name, scores in values.items()
        }
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


def _interval(values: list[float]) -> dict[str, float | None]:
    known = [value for value in values if not math.isnan(value)]
    counted = {"images": len(known), "of": len(values)}
    if not known:
        return {"mean": None, "low": None, "high": None, **counted}
    mean, low, high = paired_bootstrap(known, [0.0] * len(known))
    return {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4), **counted}
