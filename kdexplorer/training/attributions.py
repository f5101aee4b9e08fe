"""Where several networks look on the same images, and how well the students agree with the teacher."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.attribution import AttributionSpec
from kdexplorer.metrics.alignment import (
    cosine,
    energy_inside,
    rank_correlation,
    top_overlap,
    without_evidence,
)
from kdexplorer.models.build import Network
from kdexplorer.tasks import Example
from kdexplorer.tasks.picture import data_uri, heat, overlay

Target = (
    Literal["label", "predicted"] | int
)  # whose score is explained: the label's, each network's own choice, a class
Named = tuple[str, str, Network]  # role, name, network
MEASURES = {"cosine": cosine, "spearman": rank_correlation, "overlap": top_overlap}


def attribution_maps(
    networks: Sequence[Named],
    images: Tensor,
    labels: Tensor | None,
    spec: AttributionSpec,
    *,
    layers: Mapping[str, str] | None = None,
    target: Target = "label",
) -> dict[str, Tensor]:
    """Maps float [B, H, W] in [0, 1] on the CPU by network, for images [B, C, H, W] and labels int64 [B] or None.

    Args:
        layers: network name → module path; the others are read at their attribution layer.

    Raises:
        ConfigError: a layer that is not there, or gives no map.
    """
    chosen = labels if target == "label" else None
    if isinstance(target, int):
        chosen = torch.full((len(images),), target, device=images.device)
    paths = layers or {}
    return {
        name: spec.attribute(network.module, images, chosen, paths.get(name, network.attribution_layer))
        .float()
        .cpu()
        for _, name, network in networks
    }


def agreement(maps: Mapping[str, Tensor], masks: Tensor | None) -> dict[str, dict[str, Tensor]]:
    """By network and measure a score an image, float [B]: every student's likeness to `teacher`, and where the
    object's masks (bool [B, H, W]) are known everybody's share of energy inside. NaN: that map has no such score."""
    scores: dict[str, dict[str, Tensor]] = {}
    for name, found in maps.items():
        own: dict[str, Tensor] = {}
        if name != "teacher" and "teacher" in maps:
            own = {measure: function(found, maps["teacher"]) for measure, function in MEASURES.items()}
        if masks is not None:
            own["inside"] = energy_inside(found, masks.cpu())
        if own:
            scores[name] = own
    return scores


def attribution(
    networks: Sequence[Named],
    example: Example,
    spec: AttributionSpec,
    *,
    layers: Mapping[str, str] | None = None,
    target: Target = "label",
    alone: bool = False,
) -> dict[str, Any]:
    """All networks' maps on one image as a page shows them: {algorithm, title, caption, panels, alignment}.

    Panels are {role, name, image}, the map laid over the picture; {empty} where it has no positive value; with `alone`
    also {map}, the map without the picture. A score that does not exist is None.
    """
    maps = attribution_maps(networks, example.input, example.label, spec, layers=layers, target=target)
    panels: list[dict[str, Any]] = [{"role": "input", "name": "input", "image": data_uri(example.picture)}]
    for role, name, _ in networks:
        map = _large(maps[name], example.picture)
        panel: dict[str, Any] = {"role": role, "name": name, "image": data_uri(overlay(example.picture, map))}
        if without_evidence(maps[name]).all():
            panel["empty"] = True
        panels.append({**panel, "map": data_uri(heat(map))} if alone else panel)
    return {
        "algorithm": spec.id,
        "title": spec.title,
        "caption": example.caption,
        "panels": panels,
        "alignment": {
            name: {measure: _number(float(value)) for measure, value in own.items()}
            for name, own in agreement(maps, example.mask).items()
        },
    }


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _large(map: Tensor, picture: Tensor) -> Tensor:
    """A map [1, h, w] at the size of the picture [C, H, W] it is laid over: [H, W]."""
    if map.shape[-2:] != picture.shape[-2:]:
        map = F.interpolate(map.unsqueeze(1), picture.shape[-2:], mode="bilinear").squeeze(1)
    return map[0]
