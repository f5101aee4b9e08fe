"""Our losses against torchdistill's, forward and backward, in turn:

    python benchmarks/against_torchdistill.py

Prints time ÷ torchdistill's for every loss that both have with one formula (their equality is tested), on a batch of 64
with 100 classes and features of 64 × 8 × 8, float32, one thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchdistill.losses import mid_level

from kdexplorer.distillation import (
    attention_transfer_loss,
    dist_loss,
    logit_standardization_loss,
    pkt_loss,
    rkd_angle_loss,
    rkd_distance_loss,
    soft_target_loss,
)

TURNS, INSIDE = 25, 20
BATCH, CLASSES, MAP, WIDTH = 64, 100, (64, 8, 8), 128
OUTPUT = ("x", "output", "x", "output")


def theirs(kind: type[torch.nn.Module], *args: Any, **kwargs: Any) -> Callable[[Tensor, Tensor], Tensor]:
    module = kind(*args, **kwargs)
    return lambda s, t: module({"x": {"output": s}}, {"x": {"output": t}})


def seconds(loss: Callable[[Tensor, Tensor], Tensor], student: Tensor, teacher: Tensor) -> float:
    begin = time.perf_counter()
    for _ in range(INSIDE):
        student.grad = None
        loss(student, teacher).backward()  # type: ignore[no-untyped-call]
    return (time.perf_counter() - begin) / INSIDE


def main() -> None:
    torch.set_num_threads(1)
    at = {"io": "output", "path": "x"}
    logits, features, embeddings = (BATCH, CLASSES), (BATCH, *MAP), (BATCH, WIDTH)
    pkt = theirs(mid_level.PKTLoss, *OUTPUT)
    compared: dict[str, tuple[tuple[int, ...], Any, Any]] = {
        "soft targets": (
            logits,
            lambda s, t: soft_target_loss(s, t, 4.0),
            theirs(mid_level.KDLoss, *OUTPUT, 4.0, alpha=0),
        ),
        "logit standardization": (
            logits,
            lambda s, t: logit_standardization_loss(s, t, 2.0),
            theirs(mid_level.LogitStdKDLoss, *OUTPUT, 2.0, alpha=0),
        ),
        "DIST": (
            logits,
            lambda s, t: dist_loss(s, t, 1.0, 1.0, 1.0),
            theirs(mid_level.DISTLoss, *OUTPUT, 1.0, 1.0, 1.0),
        ),
        "attention transfer": (
            features,
            attention_transfer_loss,
            theirs(mid_level.ATLoss, {"a": {"student": at, "teacher": at}}),
        ),
        "RKD distance": (
            embeddings,
            rkd_distance_loss,
            theirs(mid_level.RKDLoss, "x", "x", 1.0, 0.0, "mean"),
        ),
        "RKD distance and angle": (
            embeddings,
            lambda s, t: 25 * rkd_distance_loss(s, t) + 50 * rkd_angle_loss(s, t),
            theirs(mid_level.RKDLoss, "x", "x", 25.0, 50.0, "mean"),
        ),
        # the library's writes into what it is given
        "PKT": (
            embeddings,
            lambda s, t: pkt_loss(s.clone(), t.clone()),
            lambda s, t: pkt(s.clone(), t.clone()),
        ),
    }
    draws = torch.Generator().manual_seed(0)
    for name, (shape, ours, library) in compared.items():
        student, teacher = torch.randn(2, *shape, generator=draws)
        student.requires_grad_()
        ratios = []
        for turn in range(2 + TURNS):
            pair = seconds(ours, student, teacher), seconds(library, student, teacher)
            if turn >= 2:
                ratios.append(pair[0] / pair[1])
        low, middle, high = (statistics.quantiles(ratios, n=20)[i] for i in (0, 9, 18))
        print(f"{name}: time ÷ torchdistill's {middle:.2f} ({low:.2f} … {high:.2f})", flush=True)


if __name__ == "__main__":
    main()
