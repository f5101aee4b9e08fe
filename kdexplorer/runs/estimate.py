"""What a run will cost, from what a few of its steps cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdexplorer.config import RunConfig

PREVIEW_SHARE = 0.1  # as in `kdexplorer.training.session`: previews in between take no more of the time
PLANNED = (
    "steps",
    "log_every",
    "evaluate_every",
    "checkpoint_every",
    "seed",
)  # change how often, not how long
TURNED = ("learning_rate", "weight_decay", "lr_schedule", "warmup")


def measured_config(config: RunConfig) -> RunConfig:
    """`config` with everything at its default that changes neither the time of a step nor its memory.

    Two configurations that differ only in such settings share one measurement.
    """
    training, fresh = config.training, type(config.training)()
    plain = {name: getattr(fresh, name) for name in (*PLANNED, *TURNED)}
    return config.model_copy(
        update={
            "name": "",
            "parent": None,
            "training": training.model_copy(
                update={
                    **plain,
                    "steps": training.steps if _staged(config) else fresh.steps,
                    "clip_norm": float(training.clip_norm > 0),
                }
            ),
            "variants": tuple(
                variant.model_copy(
                    update={
                        "task_weight": float(variant.task_weight > 0),
                        "terms": tuple(
                            term.model_copy(
                                update={
                                    "weight": float(term.weight > 0),
                                    "params": {
                                        k: v for k, v in term.params.items() if not isinstance(v, float)
                                    },
                                }
                            )
                            for term in variant.terms
                        ),
                    }
                )
                for variant in config.variants
            ),
        }
    )


def _staged(config: RunConfig) -> bool:
    """Whether what is trained changes on the way."""
    return any(
        term.active.begin or term.active.until or term.schedule.kind != "constant"
        for variant in config.variants
        for term in variant.terms
    )


def estimate(config: RunConfig, measured: Mapping[str, Any]) -> dict[str, Any]:
    """The run's cost from `kdexplorer.training.measurement.measure`: {seconds, step_ms, evaluate_ms, steps,
    memory_bytes, device, threads}."""
    plan = config.training
    evaluations = (plan.steps - 1) // plan.evaluate_every + 1
    checkpoints = (plan.steps - 1) // plan.checkpoint_every + 1
    seconds = (
        measured["setup"]
        + measured["first_evaluation"]
        + plan.steps * measured["step"]
        + measured["teacher_evaluation"]
        + evaluations * measured["evaluation"]
        + checkpoints * measured["checkpoint"]
        + measured["students"]
    )
    # The first and the last are always drawn, those in between while they take no more than their share.
    between = min((evaluations - 1) * measured["preview"], PREVIEW_SHARE * seconds + measured["preview"])
    seconds += 2 * measured["preview"] + between
    return {
        "seconds": round(seconds, 2),
        "step_ms": round(1000 * measured["step"], 2),
        "evaluate_ms": round(1000 * measured["evaluation"], 1),
        "steps": plan.steps,
        "memory_bytes": measured["memory"],
        "device": measured["device"],
        "threads": measured["threads"],
    }
