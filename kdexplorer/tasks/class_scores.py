"""What classifiers say of all held-out images, as JSON: their logits, confusion matrices, and where two disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kdexplorer.metrics.classification import per_class_accuracy

NUMBERS = 20_000  # logits of a network that a preview carries: images × classes
PICTURED = 60  # of those images, how many with their picture
CLASSES = 100  # of a confusion matrix at most
DISAGREEMENTS = 24

Picture = Callable[[int], str]


def in_turn(labels: Tensor) -> list[int]:
    """All images, so that every part from the first one on holds the classes evenly: indices into labels [N]."""
    seen: dict[int, int] = {}
    order = []
    for index, label in enumerate(labels.tolist()):
        seen[label] = seen.get(label, 0) + 1
        order.append((seen[label], label, index))
    return [index for _, _, index in sorted(order)]


def logits_of(
    outputs: Mapping[str, Tensor],
    roles: Mapping[str, str],
    labels: Tensor,
    order: Sequence[int],
    picture: Picture,
) -> dict[str, Any]:
    """{index, labels, images, networks: [{role, name, values}]} for the first images of `order`.

    Args:
        outputs: by network its logits on all held-out images [N, classes].
        roles: by network its role.
        labels: int64 [N].
        order: indices into the held-out images, the most telling first.
        picture: the data URI of a held-out image.
    """
    classes = next((logits.shape[1] for logits in outputs.values()), 1)
    shown = list(order[: max(1, NUMBERS // classes)])
    index = torch.tensor(shown, device=labels.device)
    networks = [
        {
            "role": roles[name],
            "name": name,
            "values": torch.nan_to_num(logits[index].double()).round(decimals=3).cpu().tolist(),
        }
        for name, logits in outputs.items()
    ]
    return {
        "index": shown,
        "labels": labels[index].tolist(),
        "images": [picture(i) for i in shown[:PICTURED]],
        "networks": networks,
    }


def scores_of(
    outputs: Mapping[str, Tensor], roles: Mapping[str, str], labels: Tensor, picture: Picture
) -> dict[str, Any]:
    """{confusion, per_class, count, pairs, disagreements} over all held-out images; arguments as in `logits_of`.

    confusion: by network counts [true class][said class], for at most 100 classes. per_class: by network % right,
    None for a class without images. pairs: by variant how often it and the control (without one: the teacher)
    disagree, and which of them is right then. disagreements: some of those images.
    """
    said = {name: logits.argmax(dim=1) for name, logits in outputs.items()}
    classes = next((logits.shape[1] for logits in outputs.values()), 0)
    confusion = {}
    if classes <= CLASSES:
        for name, says in said.items():
            cells = torch.bincount(labels * classes + says, minlength=classes**2)
            confusion[name] = cells.reshape(classes, classes).tolist()
    per_class = {
        name: [
            round(v, 2) if v == v else None
            for v in per_class_accuracy(logits, labels).double().mul(100).tolist()
        ]
        for name, logits in outputs.items()
    }
    pairs = {name: _pair(name, other, said, labels) for name, other in _pairs_of(roles)}
    return {
        "count": len(labels),
        "confusion": confusion,
        "per_class": per_class,
        "pairs": pairs,
        "disagreements": _disagreements(pairs, outputs, said, labels, picture),
    }


def _pairs_of(roles: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every variant with what it is compared to; a control that is alone, with the teacher."""
    by_role: dict[str, list[str]] = {}
    for name, role in roles.items():
        by_role.setdefault(role, []).append(name)
    others = by_role.get("control") or by_role.get("teacher") or []
    ones = by_role.get("variant") or (by_role.get("control", []) if "teacher" in by_role else [])
    if not by_role.get("variant"):
        others = by_role.get("teacher", [])
    return [(name, others[0]) for name in ones if others]


def _pair(name: str, other: str, said: Mapping[str, Tensor], labels: Tensor) -> dict[str, Any]:
    differ = said[name] != said[other]
    return {
        "with": other,
        "total": int(differ.sum()),
        "right": int((differ & (said[name] == labels)).sum()),
        "other_right": int((differ & (said[other] == labels)).sum()),
    }


def _disagreements(
    pairs: Mapping[str, Mapping[str, Any]],
    outputs: Mapping[str, Tensor],
    said: Mapping[str, Tensor],
    labels: Tensor,
    picture: Picture,
) -> list[dict[str, Any]]:
    """Some of every pair, each image once."""
    differ = {
        name: (said[name] != said[pair["with"]]).nonzero().flatten().tolist() for name, pair in pairs.items()
    }
    each = max(6, DISAGREEMENTS // max(1, len(differ)))
    chosen = {index for found in differ.values() for index in found[:each]}
    for index in sorted({index for found in differ.values() for index in found} - chosen):
        if len(chosen) >= DISAGREEMENTS:
            break
        chosen.add(index)
    shares = {name: logits.float().softmax(dim=1).amax(dim=1) for name, logits in outputs.items()}
    return [
        {
            "index": index,
            "name": f"held-out {index}",
            "image": picture(index),
            "label": int(labels[index]),
            "says": {name: int(says[index]) for name, says in said.items()},
            "shares": {name: round(float(share[index]), 4) for name, share in shares.items()},
        }
        for index in sorted(chosen)
    ]
