"""Data upcycling: the teacher is asked for more than there are pairs for, at finer and coarser scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.data.draws import generator
from kdexplorer.data.resize import bicubic_downsample, mod_crop
from kdexplorer.distillation.footprint import tensor_bytes
from kdexplorer.distillation.invertible import Augmentation
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision, same_images
from kdexplorer.params import Param

LABEL_WEIGHT = 5.0  # of the known image beside the teacher's, in the zoom-out term

Forward = Callable[[Tensor], Tensor]


def zoom_in_loss(student: Forward, teacher: Forward, crop: Tensor, augmentation: Augmentation) -> Tensor:
    """L1(T(g), a⁻¹(S(a(g)))): both enlarge a clean crop; no one knows the truth, but the teacher has an opinion.

    Args:
        student, teacher: forward of the networks, [B, C, H, W] → [B, C, scale·H, scale·W].
        crop: g, a part of the clean images as large as an input.
        augmentation: a, undone in the reverse order.

    Paper: Zhang et al., "Data Upcycling Knowledge Distillation", arXiv 2309.14162.
    """
    with torch.no_grad():
        wanted = full_precision(teacher(crop))
    return F.l1_loss(augmentation.undo(full_precision(student(augmentation.apply(crop)))), wanted)


def zoom_out_loss(student: Forward, teacher: Forward, image: Tensor, scale: int) -> Tensor:
    """5·L1(S(x↓), x) + L1(S(x↓), T(x↓)): both enlarge the shrunken input, and here the truth is the input.

    Args:
        student, teacher: forward of the networks, [B, C, H, W] → [B, C, scale·H, scale·W].
        image: x, the networks' usual input [B, C, H, W]; cut to multiples of `scale`.
        scale: of the networks, at least 2.

    Paper: Zhang et al., "Data Upcycling Knowledge Distillation", arXiv 2309.14162.
    """
    known = mod_crop(full_precision(image), scale)
    small = bicubic_downsample(known, scale).clamp(0, 1)
    with torch.no_grad():
        wanted = full_precision(teacher(small))
    made = full_precision(student(small))
    return LABEL_WEIGHT * F.l1_loss(made, known) + F.l1_loss(made, wanted)


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    student, teacher, image, clean = signals.student, signals.teacher, signals.input, signals.target
    assert student is not None
    assert teacher is not None
    assert image is not None
    assert clean is not None
    batch, height, width = image.shape[0], *image.shape[-2:]
    # drawn on the CPU: a place that the device draws would have to be waited for
    draws = generator("cpu", "data_upcycling", signals.seed)
    top, left = (
        int(torch.randint(large - small + 1, (), generator=draws))
        for large, small in ((clean.shape[-2], height), (clean.shape[-1], width))
    )
    chosen = Augmentation.draw(batch, params["probability"], draws).chosen
    crop = clean[..., top : top + height, left : left + width]
    loss = zoom_in_loss(student, teacher, crop, Augmentation(chosen.to(image.device)))
    if params["zoom_out"]:
        loss = loss + zoom_out_loss(student, teacher, image, clean.shape[-2] // height)
    return loss


def _fits(pair: Pair) -> str | None:
    if reason := same_images(pair):
        return reason
    if pair.scale < 2:
        return "it zooms between sizes, and this task keeps the picture's size: choose super-resolution"
    if min(pair.student_output[1:]) < pair.scale**2:
        return "its inputs are too small to be shrunk once more: choose a larger training patch"
    return None


METHODS.add(
    MethodSpec(
        id="data_upcycling",
        title="Data upcycling (DUKD)",
        order=70,
        summary="Asks the teacher about images that have no target: clean crops enlarged, inputs shrunk and restored.",
        paper="2309.14162",
        tasks=("restoration",),
        params=(
            Param(
                name="probability", default=0.3, minimum=0.0, maximum=1.0,
                help="How often the student's crop is inverted, mirrored or transposed, each on its own, and back.",
            ),
            Param(
                name="zoom_out", default=True,
                help="Also shrink the input and restore it: there the input itself is the target.",
            ),
        ),
        formula=r"\left|T(g) - a^{-1}S(a\,g)\right| + 5\left|S(\tilde x)-x\right| + "
        r"\left|S(\tilde x)-T(\tilde x)\right|,\quad \tilde x = \mathrm{shrunken}\;x",
        matches="the teacher's images at other scales",
        knowledge="responses",
        loss=_loss,
        fits=_fits,
        memory=lambda pair, params: (4 + 2 * params["zoom_out"]) * tensor_bytes(pair.batch, *pair.student_output),
        shows=lambda pair, params: (1 + params["zoom_out"]) * pair.batch,
    )
)  # fmt: skip
