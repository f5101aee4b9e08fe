"""From the time of a step to the time of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kdexplorer.config import RunConfig, with_values
from kdexplorer.runs.estimate import estimate, measured_config

MEASURED = {
    "setup": 1.0, "first_evaluation": 0.5, "step": 0.01, "evaluation": 0.2, "teacher_evaluation": 0.3,
    "preview": 0.05, "checkpoint": 0.1, "students": 0.02, "device": "cpu", "threads": 2, "memory": 10**9,
}  # fmt: skip


def test_a_run_is_the_sum_of_its_parts(digits: Callable[..., RunConfig]) -> None:
    config = digits(steps=100, evaluate_every=50, checkpoint_every=40)
    # evaluated after 50 and 100 steps, saved after 40, 80 and 100; previews after 1, 50 and 100
    seconds = 1.0 + 0.5 + 100 * 0.01 + 0.3 + 2 * 0.2 + 3 * 0.1 + 0.02 + 3 * 0.05
    found = estimate(config, MEASURED)
    assert found["seconds"] == pytest.approx(seconds)
    assert (found["steps"], found["step_ms"], found["evaluate_ms"]) == (100, 10.0, 200.0)
    assert found["memory_bytes"] == 10**9


def test_previews_take_no_more_than_their_share(digits: Callable[..., RunConfig]) -> None:
    config = digits(steps=1000, evaluate_every=1, checkpoint_every=1000)
    found = estimate(config, {**MEASURED, "preview": 10.0, "evaluation": 0.0})["seconds"]
    without = 1.0 + 0.5 + 10.0 + 0.3 + 0.1 + 0.02
    assert found == pytest.approx(without + 20 + 0.1 * without + 10, abs=0.01)


def test_what_changes_neither_time_nor_memory_is_measured_once(digits: Callable[..., RunConfig]) -> None:
    config = digits()
    same = {
        "name": "another", "training.steps": 999, "training.learning_rate": 0.5, "training.seed": 7,
        "variants.0.terms.0.params": {"temperature": 9.0}, "variants.0.terms.0.weight": 0.3,
        "variants.0.task_weight": 0.7, "training.evaluate_every": 3,
    }  # fmt: skip
    for path, value in same.items():
        assert measured_config(with_values(config, {path: value})) == measured_config(config), path
    others = {
        "training.batch_size": 9, "student.params": {"width": 9}, "data.held_out": 9, "training.threads": 2,
        "variants.0.task_weight": 0, "variants": [], "training.clip_norm": 1.0, "teacher.params": {"depth": 3},
        "variants.0.terms.0.active": {"begin": 5},
    }  # fmt: skip
    for path, value in others.items():
        assert measured_config(with_values(config, {path: value})) != measured_config(config), path
    assert RunConfig.from_dict(measured_config(config).model_dump(mode="json")) == measured_config(config)
