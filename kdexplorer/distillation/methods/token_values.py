"""Token values: tokens whose values are alike in the teacher become alike in the student."""

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


def _log_relation(value: Tensor, heads: int) -> Tensor:
    """log softmax(VVᵀ/√d), the heads joined and cut anew into `heads`: → [B, heads, N, N]."""
    joined = full_precision(value).transpose(1, 2).flatten(2)
    cut = joined.view(*joined.shape[:2], heads, -1).transpose(1, 2)
    return F.log_softmax(cut @ cut.transpose(-2, -1) / math.sqrt(cut.shape[-1]), dim=-1)


def token_value_loss(student_value: Tensor, teacher_value: Tensor) -> Tensor:
    """KL(r_t ‖ r_s) of value relations r = softmax(VVᵀ/√d), averaged over batch, heads and tokens.

    Dimensions may differ. So may the numbers of heads: then both are cut anew into their greatest common divisor of
    relation heads, as in arXiv 2012.15828.

    Args:
        student_value, teacher_value: [B, heads, N, d].

    Paper: Wang et al., "MiniLM: Deep Self-Attention Distillation", arXiv 2002.10957.
    """
    heads = math.gcd(student_value.shape[1], teacher_value.shape[1])
    student, teacher = _log_relation(student_value, heads), _log_relation(teacher_value, heads)
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=-1).mean()


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    losses = []
    for pair, heads in zip(signals.features, signals.heads, strict=True):
        student, teacher = (split_heads(qkv, count)[2] for qkv, count in zip(pair, heads, strict=True))
        losses.append(token_value_loss(student, teacher))
    return torch.stack(losses).mean()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    shapes = zip(pair.features, pair.heads, strict=True)
    return sum(7 * tensor_bytes(pair.batch, math.gcd(*heads), s[0], s[0]) for (s, _), heads in shapes)


METHODS.add(
    MethodSpec(
        id="token_values",
        title="Token values (MiniLM)",
        order=81,
        summary="Matches which image patches are alike by the values that attention carries; sizes need not agree.",
        paper="2002.10957",
        formula=r"\mathrm{KL}\left(\mathrm{softmax}(V_tV_t^\top/\sqrt{d_t})\,\|\,"
        r"\mathrm{softmax}(V_sV_s^\top/\sqrt{d_s})\right)",
        matches="relations between tokens' values",
        knowledge="attention",
        layers="attention",
        loss=_loss,
        fits=same_tokens,
        memory=_memory,
    )
)
