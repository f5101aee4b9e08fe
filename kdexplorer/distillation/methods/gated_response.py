"""Gated response: the student follows the teacher only where the teacher is the better of the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.distillation.footprint import tensor_bytes
from kdexplorer.distillation.method import METHODS, MethodSpec, Signals, full_precision, same_images
from kdexplorer.params import Param

REACH = {"pixel": (1,), "image": (1, 2, 3)}


def gated_response_loss(
    student_output: Tensor, teacher_output: Tensor, target: Tensor, gate: str = "pixel"
) -> Tensor:
    """Mean of g · |S − T| with g = 1 where the teacher's error |T − Y| is below the student's, else 0.

    The mean is over all pixels, so that a student that has caught up everywhere is left alone.

    Args:
        student_output, teacher_output, target: S, T, Y, [B, C, H, W].
        gate: errors are compared `pixel` by pixel (mean over channels), or `image` by image.

    Raises:
        ValueError: another `gate`.

    Paper: the bound of Chen et al., "Learning Efficient Object Detection Models with Knowledge Distillation",
    NeurIPS 2017, as a gate.
    """
    if gate not in REACH:
        raise ValueError(f"gate is 'pixel' or 'image', not {gate!r}")
    student, teacher, clean = (full_precision(x) for x in (student_output, teacher_output, target))
    with torch.no_grad():
        errors = ((x - clean).abs().mean(dim=REACH[gate], keepdim=True) for x in (teacher, student))
        better = torch.lt(*errors).to(student.dtype)
    return (better * (student - teacher).abs()).mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    assert signals.target is not None
    return gated_response_loss(signals.student_output, signals.teacher_output, signals.target, params["gate"])


METHODS.add(
    MethodSpec(
        id="gated_response",
        title="Gated response",
        order=20,
        summary="Matches the teacher's output image, but only where the teacher is nearer to the clean one.",
        paper="NeurIPS 2017",
        tasks=("restoration",),
        params=(
            Param(
                name="gate", default="pixel", choices=("pixel", "image"),
                help="Whether the teacher must be better at each pixel, or for the whole image.",
            ),
        ),
        formula=r"\frac{1}{N}\sum g\,|y_s - y_t|,\quad g = \left[\,|y_t - y| < |y_s - y|\,\right]",
        matches="the output image, where the teacher is better",
        knowledge="responses",
        loss=_loss,
        fits=same_images,
        memory=lambda pair, params: 4 * tensor_bytes(pair.batch, *pair.student_output),
    )
)  # fmt: skip
