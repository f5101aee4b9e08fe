"""Decoupled distillation: how sure of the target class, and how the rest is spread, each with its own weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kdexplorer.distillation.method import METHODS, MethodSpec, full_precision, same_logits
from kdexplorer.distillation.methods.soft_targets import response_memory
from kdexplorer.params import Param


def target_and_others(logits: Tensor, target: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-probabilities (target class, any other) [B, 2], and of the others among themselves [B, C − 1]."""
    z = full_precision(logits) / temperature
    others = torch.arange(z.shape[1] - 1, device=z.device).expand(len(z), -1)
    others = others + (others >= target[:, None])  # all classes but the target
    rest = z.gather(1, others)
    either = torch.stack([z.gather(1, target[:, None])[:, 0], rest.logsumexp(dim=1)], dim=1)
    return F.log_softmax(either, dim=1), F.log_softmax(rest, dim=1)


def dkd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Tensor,
    alpha: float,
    beta: float,
    temperature: float,
) -> Tensor:
    """T² · [α · KL(b_t ‖ b_s) + β · KL(p̂_t ‖ p̂_s)], averaged over the batch.

    b = (p_y, 1 − p_y) is the target class against all others; p̂ the softmax without the target class. Soft targets
    are the same with α = 1 and β = 1 − p_y of the teacher: where the teacher is sure, they teach little of the rest.

    Args:
        student_logits, teacher_logits: [B, C], C ≥ 2.
        target: labels int64 [B]; of label distributions [B, C] (mixup) the largest share counts.
        alpha, beta: weights of the two parts.
        temperature: T > 0.

    Paper: Zhao et al., "Decoupled Knowledge Distillation", arXiv 2203.08679.
    """
    if target.ndim == 2:
        target = target.argmax(dim=1)
    student_binary, student_rest = target_and_others(student_logits, target, temperature)
    teacher_binary, teacher_rest = target_and_others(teacher_logits, target, temperature)
    of_target = F.kl_div(student_binary, teacher_binary, reduction="batchmean", log_target=True)
    of_rest = F.kl_div(student_rest, teacher_rest, reduction="batchmean", log_target=True)
    return temperature**2 * (alpha * of_target + beta * of_rest)


def _target(target: Tensor | None) -> Tensor:
    assert target is not None  # a classification batch has labels
    return target


METHODS.add(
    MethodSpec(
        id="dkd",
        title="Decoupled distillation",
        order=12,
        summary="Matches how sure the teacher is of the label, and how it spreads the rest, weighted apart.",
        matches="class probabilities, the label's and the others' apart",
        knowledge="responses",
        paper="2203.08679",
        tasks=("classification",),
        params=(
            Param(
                name="alpha", default=1.0, minimum=0, maximum=20, live=True,
                help="Weight of how sure the teacher is of the label.",
            ),
            Param(
                name="beta", default=8.0, minimum=0, maximum=20, live=True,
                help="Weight of how the teacher spreads the rest over the other classes: the paper's gain is here.",
            ),
            Param(
                name="temperature", default=4.0, minimum=0.5, maximum=20.0, live=True,
                help="Above 1 the small probabilities grow.",
            ),
        ),
        formula=r"T^2\left[\alpha\,\mathrm{KL}(b_t\|b_s)+\beta\,\mathrm{KL}(\hat p_t\|\hat p_s)\right],"
        r"\quad b=(p_y,1-p_y)",
        loss=lambda signals, params, _: dkd_loss(
            signals.student_output, signals.teacher_output, _target(signals.target),
            params["alpha"], params["beta"], params["temperature"],
        ),
        fits=same_logits,
        memory=response_memory,
        schedule="warmup",
    )
)  # fmt: skip
