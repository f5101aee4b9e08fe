"""Every held-out image's scores, network by network, as JSON: what the means and the verdict are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kdexplorer.events import MetricInfo
from kdexplorer.tasks.spec import Evaluation
from kdexplorer.tasks.verdict import verdicts

NO_STUDENTS = ("input", "teacher")
MORE_DIGITS = 2  # than a metric is shown with: a gain over the control is smaller than the scores


def image_scores(
    names: Sequence[str], found: Mapping[str, Evaluation], metrics: Sequence[MetricInfo]
) -> dict[str, Any]:
    """{names, metrics: {metric: {network: [a value an image]}}, verdicts: [of each student in each metric], notes}.

    A score that is not finite is None, and then there is no verdict in its metric.

    Args:
        names: of the images, in the order of `Evaluation.per_image`.
        found: by network what it scored; `input` is the degraded image itself.
        metrics: which scores, and how many digits they are read with.
    """
    students = {name: scored for name, scored in found.items() if name not in NO_STUDENTS}
    return {
        "names": list(names),
        "metrics": {
            metric.id: {
                name: [
                    round(value, metric.digits + MORE_DIGITS) if math.isfinite(value) else None
                    for value in evaluation.per_image[metric.id].tolist()
                ]
                for name, evaluation in found.items()
            }
            for metric in metrics
        },
        "verdicts": [
            verdict.model_dump(mode="json")
            for metric in metrics
            if all(np.isfinite(scored.per_image[metric.id]).all() for scored in students.values())
            for verdict in verdicts(students, metric)
        ],
        "notes": notes(found),
    }


def notes(found: Mapping[str, Evaluation]) -> list[str]:
    """What a person should know of the scores, network by network."""
    return [f"{name}: {evaluation.note}" for name, evaluation in found.items() if evaluation.note]
