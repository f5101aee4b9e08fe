"""Queries, keys and values by head, and what two networks' attention must share to be compared."""

from __future__ import annotations

from torch import Tensor

from kdexplorer.distillation.method import Pair, full_precision


def split_heads(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """[B, N, 3·dim] of an attention block → query, key and value, each [B, heads, N, dim / heads]."""
    batch, tokens, width = qkv.shape
    split = full_precision(qkv).view(batch, tokens, 3, heads, width // (3 * heads))
    query, key, value = split.permute(2, 0, 3, 1, 4)
    return query, key, value


def same_tokens(pair: Pair) -> str | None:
    """All paired layers must be attention blocks over the same number of tokens."""
    if not pair.features or len(pair.heads) != len(pair.features):
        return (
            "it compares attention blocks, and one of the networks has none: choose two vision transformers"
        )
    for (student, teacher), heads in zip(pair.features, pair.heads, strict=True):
        shapes = zip((student, teacher), heads, strict=True)
        if any(len(shape) != 2 or count < 1 or shape[1] % (3 * count) for shape, count in shapes):
            return "it compares attention blocks, and a chosen layer is none: choose blocks such as block1"
        if student[0] != teacher[0]:
            return (
                f"student and teacher cut an image into {student[0]} and {teacher[0]} tokens: "
                "choose the same patch size, and both with or without a class token"
            )
    return None
