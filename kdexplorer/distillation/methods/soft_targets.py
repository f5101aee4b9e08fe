"""Soft targets: the student imitates the teacher's softened class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, full_precision, same_logits
from kdexplorer.params import Param


def soft_target_loss(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T² · KL(p_t ‖ p_s) with p = softmax(z / T), averaged over the batch (not over classes).

    T² keeps the gradient's size when T changes, so that the weight beside the label loss keeps its meaning.

    Args:
        student_logits, teacher_logits: [B, C].
        temperature: T > 0; above 1 it lifts the small probabilities, where the teacher says what is similar.

    Paper: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531.
    """
    student = F.log_softmax(full_precision(student_logits) / temperature, dim=1)
    teacher = F.log_softmax(full_precision(teacher_logits) / temperature, dim=1)
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


def response_memory(pair: Pair, params: Mapping[str, Any]) -> int:
    """Bytes for a loss of logits: the softened ones of both networks, their gradients and what lies between."""
    return 4 * 16 * pair.batch * prod(pair.student_output)


METHODS.add(
    MethodSpec(
        id="soft_targets",
        title="Soft targets",
        order=10,
        summary="Matches the teacher's class probabilities, softened by a temperature.",
        matches="class probabilities",
        knowledge="responses",
        paper="1503.02531",
        tasks=("classification",),
        params=(
            Param(
                name="temperature", default=4.0, minimum=0.5, maximum=20.0, live=True,
                help="Above 1 the small probabilities grow: the student sees which classes the teacher finds alike.",
            ),
        ),
        default_weight=0.9,
        formula=r"T^2 \cdot \mathrm{KL}\left(\mathrm{softmax}(z_t/T)\,\|\,\mathrm{softmax}(z_s/T)\right)",
        loss=lambda signals, params, _: soft_target_loss(
            signals.student_output, signals.teacher_output, params["temperature"]
        ),
        fits=same_logits,
        memory=response_memory,
    )
)  # fmt: skip
