"""DIST: the student's probabilities correlate with the teacher's, along classes and along images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.distillation.embedding import images_to_relate
from kdexplorer.distillation.method import METHODS, MethodSpec, full_precision, same_logits
from kdexplorer.distillation.methods.soft_targets import response_memory
from kdexplorer.params import Param

EPSILON = 1e-8


def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of the rows of two matrices [N, M] → [N]; 0 for a constant row."""
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    norms = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(b, dim=1)
    correlation: Tensor = (a * b).sum(dim=1) / (norms + EPSILON)
    return correlation


def dist_loss(
    student_logits: Tensor, teacher_logits: Tensor, beta: float, gamma: float, temperature: float
) -> Tensor:
    """T² · [β · (1 − mean ρ of rows) + γ · (1 − mean ρ of columns)], ρ Pearson's correlation on softmax(z / T).

    Rows [B] relate the classes of one image, columns [C] relate the images under one class. A correlation asks less
    than equality: a student too small to match the teacher's probabilities may still match their order.

    Args:
        student_logits, teacher_logits: [B, C], B ≥ 2.
        beta, gamma: weights of rows and columns.
        temperature: T > 0.

    Paper: Huang et al., "Knowledge Distillation from A Stronger Teacher", arXiv 2205.10536.
    """
    student = F.softmax(full_precision(student_logits) / temperature, dim=1)
    teacher = F.softmax(full_precision(teacher_logits) / temperature, dim=1)
    rows = 1 - pearson(student, teacher).mean()
    columns = 1 - pearson(student.T, teacher.T).mean()
    return temperature**2 * (beta * rows + gamma * columns)


METHODS.add(
    MethodSpec(
        id="dist",
        title="DIST",
        order=13,
        summary="Matches how probabilities correlate along classes and along images, rather than their values.",
        matches="correlations of class probabilities",
        knowledge="responses",
        paper="2205.10536",
        tasks=("classification",),
        params=(
            Param(
                name="beta", default=1.0, minimum=0, maximum=10, live=True,
                help="Weight of the relations between the classes of an image.",
            ),
            Param(
                name="gamma", default=1.0, minimum=0, maximum=10, live=True,
                help="Weight of the relations between the images of the batch, class by class.",
            ),
            Param(
                name="temperature", default=1.0, minimum=0.5, maximum=20.0, live=True,
                help="Above 1 the small probabilities grow; the paper takes 4 for CIFAR, 1 for ImageNet.",
            ),
        ),
        default_weight=2.0,
        formula=r"T^2\left[\beta\left(1-\overline{\rho(p_s^{b\cdot},p_t^{b\cdot})}\right)"
        r"+\gamma\left(1-\overline{\rho(p_s^{\cdot c},p_t^{\cdot c})}\right)\right]",
        loss=lambda signals, params, _: dist_loss(
            signals.student_output, signals.teacher_output, params["beta"], params["gamma"], params["temperature"]
        ),
        fits=lambda pair: same_logits(pair) or images_to_relate(pair, 2),
        memory=response_memory,
    )
)  # fmt: skip
