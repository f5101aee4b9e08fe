"""Response: the student imitates the teacher's output image."""

from __future__ import annotations

from math import prod

import torch.nn.functional as F
from torch import Tensor

from kdexplorer.distillation.method import METHODS, MethodSpec, full_precision, same_images
from kdexplorer.params import Param


def reconstruction_loss(student_output: Tensor, teacher_output: Tensor, norm: str = "l1") -> Tensor:
    """Mean absolute (`l1`) or squared (`l2`) difference of two images [B, C, H, W].

    Raises:
        ValueError: another `norm`.
    """
    student, teacher = full_precision(student_output), full_precision(teacher_output)
    if norm == "l1":
        return F.l1_loss(student, teacher)
    if norm == "l2":
        return F.mse_loss(student, teacher)
    raise ValueError(f"norm is 'l1' or 'l2', not {norm!r}")


METHODS.add(
    MethodSpec(
        id="response",
        title="Response",
        order=10,
        summary="Matches the teacher's output image, pixel by pixel.",
        matches="the output image",
        knowledge="responses",
        paper="2412.08939",
        tasks=("restoration",),
        params=(
            Param(
                name="norm", default="l1", choices=("l1", "l2"),
                help="l1 is the mean absolute difference, l2 the mean square: it minds large errors more.",
            ),
        ),
        formula=r"\frac{1}{N}\sum |y_s - y_t|",
        loss=lambda signals, params, _: reconstruction_loss(
            signals.student_output, signals.teacher_output, params["norm"]
        ),
        fits=same_images,
        memory=lambda pair, params: 4 * 4 * pair.batch * prod(pair.student_output),
    )
)  # fmt: skip
