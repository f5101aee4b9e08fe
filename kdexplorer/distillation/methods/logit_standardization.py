"""Logit standardization: the student learns how logits relate, not how large they are."""

from __future__ import annotations

from torch import Tensor

from kdexplorer.distillation.method import METHODS, MethodSpec, full_precision, same_logits
from kdexplorer.distillation.methods.soft_targets import response_memory, soft_target_loss
from kdexplorer.params import Param


def standardized(logits: Tensor) -> Tensor:
    """(z − mean) / (std + 1e-7) of each row [B, C]; std is the unbiased one."""
    z = full_precision(logits)
    return (z - z.mean(dim=1, keepdim=True)) / (z.std(dim=1, keepdim=True) + 1e-7)


def logit_standardization_loss(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Soft targets of standardized logits [B, C]: a student need not reach the teacher's range of logits.

    Paper: Sun et al., "Logit Standardization in Knowledge Distillation", arXiv 2403.01427.
    """
    return soft_target_loss(standardized(student_logits), standardized(teacher_logits), temperature)


METHODS.add(
    MethodSpec(
        id="logit_standardization",
        title="Logit standardization",
        order=11,
        summary="Matches softened probabilities after every row of logits got mean 0 and deviation 1.",
        matches="class probabilities, whatever the range of logits",
        knowledge="responses",
        paper="2403.01427",
        tasks=("classification",),
        params=(
            Param(
                name="temperature", default=2.0, minimum=0.5, maximum=20.0, live=True,
                help="Softens the standardized logits; they span a few units only, so that 2 is much.",
            ),
        ),
        default_weight=9.0,
        formula=r"T^2 \cdot \mathrm{KL}\left(\mathrm{softmax}(\tilde z_t/T)\,\|\,\mathrm{softmax}(\tilde z_s/T)\right),"
        r"\quad \tilde z=\frac{z-\bar z}{\sigma(z)}",
        loss=lambda signals, params, _: logit_standardization_loss(
            signals.student_output, signals.teacher_output, params["temperature"]
        ),
        fits=same_logits,
        memory=response_memory,
    )
)  # fmt: skip
