"""Token attention: each token of the student looks at the others as the teacher's does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.distillation.footprint import tensor_bytes
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision
from kdexplorer.distillation.token_heads import same_tokens, split_heads


def attention_scores(query: Tensor, key: Tensor) -> Tensor:
    """QKᵀ/√d before the softmax: [B, heads, N, d] twice → [B, heads, N, N]."""
    return full_precision(query) @ full_precision(key).transpose(-2, -1) / math.sqrt(query.shape[-1])


def _log_attention(scores: Tensor, heads: int) -> Tensor:
    """Logarithm of the attention, averaged over groups of neighbouring heads: → [B, `heads`, N, N]."""
    rows = F.log_softmax(full_precision(scores), dim=-1)
    if rows.shape[1] == heads:
        return rows
    grouped = rows.view(rows.shape[0], heads, -1, *rows.shape[2:])
    return grouped.logsumexp(dim=2) - math.log(grouped.shape[2])


def token_attention_loss(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
    """KL(a_t ‖ a_s) of attention rows a = softmax(scores), averaged over batch, heads and tokens.

    Where the numbers of heads differ, both are averaged in groups to their greatest common divisor.

    Args:
        student_scores, teacher_scores: QKᵀ/√d, before the softmax, [B, heads, N, N].

    Paper: Wang et al., "MiniLM: Deep Self-Attention Distillation", arXiv 2002.10957.
    """
    heads = math.gcd(student_scores.shape[1], teacher_scores.shape[1])
    student, teacher = _log_attention(student_scores, heads), _log_attention(teacher_scores, heads)
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=-1).mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    losses = []
    for pair, heads in zip(signals.features, signals.heads, strict=True):
        student, teacher = (
            attention_scores(*split_heads(qkv, count)[:2]) for qkv, count in zip(pair, heads, strict=True)
        )
        losses.append(token_attention_loss(student, teacher))
    return torch.stack(losses).mean()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    shapes = zip(pair.features, pair.heads, strict=True)
    return sum(4 * tensor_bytes(pair.batch, sum(heads), s[0], s[0]) for (s, _), heads in shapes)


METHODS.add(
    MethodSpec(
        id="token_attention",
        title="Token attention",
        order=80,
        summary="Matches which image patches look at which, in the last attention block.",
        paper="2002.10957",
        formula=r"\mathrm{KL}\left(\mathrm{softmax}(Q_tK_t^\top/\sqrt{d_t})\,\|\,"
        r"\mathrm{softmax}(Q_sK_s^\top/\sqrt{d_s})\right)",
        matches="attention between tokens",
        knowledge="attention",
        layers="attention",
        loss=_loss,
        fits=same_tokens,
        memory=_memory,
    )
)
