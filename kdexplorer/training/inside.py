"""What the methods of a run look at: pictures of their inner state on one held-out image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kdexplorer.tasks import Task
from kdexplorer.tasks.picture import data_uri
from kdexplorer.training.cohort import Cohort

SIDE = 96  # of the part of the input that is shown; enough to see, and cheap for the largest encoder


def inside(cohort: Cohort, task: Task, step: int) -> list[dict[str, Any]]:
    """Pictures of every term whose method has some, on the middle of the preview's first image.

    The networks are in evaluation mode.

    Returns:
        [{variant, term, title, pictures: [{name, image}]}], images as data URIs.
    """
    found = []
    image = _middle(task.example().input)
    for student in cohort.students:
        for term in student.objective.terms:
            if term.spec.pictures is None:
                continue
            with torch.no_grad():
                signals = cohort.teaching.shown(student, term, image, step)
                pictures = term.spec.pictures(signals, term.params, term.learnable)
            found.append(
                {
                    "variant": student.name,
                    "term": term.id,
                    "title": term.spec.title,
                    "pictures": [{"name": name, "image": data_uri(shown[0])} for name, shown in pictures],
                }
            )
    return found


def _middle(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    rows, columns = min(SIDE, height), min(SIDE, width)
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[..., top : top + rows, left : left + columns].contiguous(memory_format=torch.channels_last)
