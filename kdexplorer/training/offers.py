"""Which methods fit a pair of networks, and what each would cost, before anything is trained."""

from __future__ import annotations

import functools
from typing import Any

import torch

from kdexplorer.config import RunConfig, TermConfig
from kdexplorer.distillation import METHODS, MethodSpec
from kdexplorer.distillation.method import DoesNotFit, Pair
from kdexplorer.distillation.term import Term
from kdexplorer.params import ConfigError
from kdexplorer.training.binding import Binder

Facts = dict[str, Any]


def offers(config: RunConfig, binder: Binder) -> dict[str, Facts]:
    """By method of the config's task, what a new term of it would be with all settings at default.

    The run's teacher teaches it, or without one the student's own average; or who the method says.

    Returns:
        {method: {"reason": why it does not fit, or None, "problem": the same as a whole sentence,
        "memory": bytes a step, "learns": parameters, "shows": images a step beside the batch,
        "layers": [{"student", "teacher"}], "instead": the deepest such pair that fits, where its own do not}}
    """
    fitting = [spec for spec in METHODS if not spec.tasks or config.task in spec.tasks]
    first = "teacher" if config.teacher is not None else "ema"
    return {spec.id: _offer(binder, spec, first) for spec in fitting}


def _offer(binder: Binder, spec: MethodSpec, first: str) -> Facts:
    who = first if spec.teacher == "teacher" else spec.teacher
    found = appraise(binder, "", TermConfig(method=spec.id, teacher=who))
    if found["reason"] and spec.layers in ("last", "middle"):
        every = binder.pairing("", TermConfig(method=spec.id, teacher=who), "all")
        for pair in reversed(every):
            if (
                appraise(binder, "", TermConfig(method=spec.id, teacher=who, layers=(pair,)))["reason"]
                is None
            ):
                return {**found, "instead": pair.model_dump()}
    return {**found, "instead": None}


def appraise(binder: Binder, variant: str, term: TermConfig) -> Facts:
    """What one term is for the networks behind `binder`, as `offers` tells it."""
    try:
        layers = [pair.model_dump() for pair in binder.pairing(variant, term)]
        _, pair = binder.bind(variant, term)
        return {**_measured(term.model_dump_json(), pair), "layers": layers}
    except ConfigError as error:
        return _refused(error.reason if isinstance(error, DoesNotFit) else str(error), str(error))


def _refused(reason: str, problem: str = "") -> Facts:
    return {"reason": reason, "problem": problem, "memory": 0, "learns": 0, "shows": 0, "layers": []}


@functools.lru_cache(maxsize=512)
def _measured(term: str, pair: Pair) -> Facts:
    """Build the term's learnable parts and count them; the term as JSON, so that it can be remembered."""
    try:
        with torch.random.fork_rng(devices=[]):
            built = Term(TermConfig.model_validate_json(term), (), pair)
    except ConfigError as error:
        return _refused(error.reason if isinstance(error, DoesNotFit) else str(error), str(error))
    learned = [p for part in built.parts.values() for p in part.parameters() if p.requires_grad]
    return {
        "reason": None,
        "problem": "",
        "memory": built.memory,
        "learns": sum(p.numel() for p in learned),
        "shows": built.shows,
    }
