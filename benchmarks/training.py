"""Ratios of the training loop, side by side in one run:

    uv run benchmarks/training.py

1. `fit` against a bare hand-written loop over the same networks and the same batches: share of its steps/s.
2. A cohort of 8 students against 8 separate runs: share of their time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from kdexplorer.config import RunConfig, VariantConfig, with_values
from kdexplorer.events import RunFailed, StepLogged
from kdexplorer.models.build import build_network
from kdexplorer.models.weights import load_weights
from kdexplorer.presets import preset_config
from kdexplorer.tasks import TASKS
from kdexplorer.training import fit

ROUNDS = 5
STEPS = 60


def plain(steps: int = STEPS) -> RunConfig:
    """The denoising preset without evaluations in between: what is timed is training."""
    far = {"training.evaluate_every": 10**6, "training.checkpoint_every": 10**6, "training.steps": steps}
    return with_values(preset_config("denoise"), far)


def seconds_of_fit(config: RunConfig) -> float:
    """Time from the first logged step to the last step."""
    first = last = 0.0
    for event in fit(config):
        if isinstance(event, RunFailed):
            raise SystemExit(event.reason)
        if isinstance(event, StepLogged):
            last = time.perf_counter()
            first = first or last
    return last - first


def seconds_of_bare_loop(config: RunConfig) -> float:
    """What one would write by hand: the same two students, teacher, batches, losses and optimiser."""
    device = torch.device("cpu")
    task = TASKS[config.task].open(config, device)
    assert config.teacher is not None
    teacher = build_network(config.teacher, task.io, seed=0)
    load_weights(teacher, config.teacher.weights)
    teacher.module.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    students, optimizers = [], []
    for _ in range(2):
        student = build_network(config.student, task.io, seed=0).module.to(memory_format=torch.channels_last)
        students.append(student)
        optimizers.append(
            torch.optim.Adam(student.parameters(), lr=config.training.learning_rate, fused=True)
        )
    begin = 0.0
    for step in range(config.training.steps):
        if step == 1:
            begin = time.perf_counter()
        batch = task.batch(step)
        with torch.no_grad():
            taught = teacher.module(batch.input)
        for weight, student, optimizer in zip((0.5, 0.0), students, optimizers, strict=True):
            output = student(batch.input)
            loss = F.l1_loss(output, batch.target)
            if weight:
                loss = loss + weight * F.l1_loss(output, taught)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return time.perf_counter() - begin


def paired(a: Callable[[], float], b: Callable[[], float]) -> list[float]:
    """a's time ÷ b's, round by round, after one round that does not count."""
    a(), b()
    return [a() / b() for _ in range(ROUNDS)]


def show(title: str, ratios: list[float]) -> None:
    print(
        f"{title}: median {statistics.median(ratios):.3f} (of {len(ratios)}: {min(ratios):.3f} … {max(ratios):.3f})"
    )


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    config = plain()
    show("bare loop's time ÷ fit's (share of its steps/s)", paired(lambda: seconds_of_bare_loop(config), lambda: seconds_of_fit(config)))  # fmt: skip

    terms = config.variants[0].terms
    many = tuple(VariantConfig(name=f"variant{i}", terms=terms) for i in range(8))
    cohort = plain(30).model_copy(update={"variants": many, "control": False})
    one = cohort.model_copy(update={"variants": many[:1]})
    show("cohort of 8 ÷ 8 separate runs (time)", paired(lambda: seconds_of_fit(cohort), lambda: sum(seconds_of_fit(one) for _ in range(8))))  # fmt: skip


if __name__ == "__main__":
    main()
