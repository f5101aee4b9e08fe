"""A variant's objective: the task's loss and weighted distillation terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from kdexplorer.config import LayerPair, TermConfig, VariantConfig
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals
from kdexplorer.distillation.schedule import factor_at
from kdexplorer.params import ConfigError, Param, Value

TASK = "task"


class Term:
    """One distillation term, bound to a pair of networks.

    Its weight and its live parameters are knobs: plain numbers that may change between two steps. The config stays
    what it was.
    """

    def __init__(self, config: TermConfig, layers: Sequence[LayerPair], pair: Pair) -> None:
        self.spec: MethodSpec = METHODS[config.method]
        self.schedule = config.schedule
        self.layers = tuple(layers)
        self.weight = config.weight
        self.params: dict[str, Value] = self.spec.check(config.params)
        if reason := self.spec.fits(pair):
            raise ConfigError(f"{self.spec.title} does not fit this pair: {reason}.")
        self.learnable = self.spec.learnable(pair, self.params) if self.spec.learnable else None

    @property
    def id(self) -> str:
        return self.spec.id


class Objective:
    """Named, unweighted losses of one variant, and the weights that sum them.

    Args:
        config: the variant.
        layers: by term, the pairs of layers that it compares.
        pairs: by term, the shapes of outputs and of those layers' features.
    """

    def __init__(
        self, config: VariantConfig, layers: Mapping[str, Sequence[LayerPair]], pairs: Mapping[str, Pair]
    ) -> None:
        self.task_weight = config.task_weight
        self.terms = [Term(term, layers[term.method], pairs[term.method]) for term in config.terms]
        self.learnable = nn.ModuleDict({t.id: t.learnable for t in self.terms if t.learnable is not None})

    @property
    def names(self) -> list[str]:
        """The order of all losses: the task's, then the terms'."""
        return [TASK, *(term.id for term in self.terms)]

    def losses(
        self, task_loss: Tensor, signals: Signals, features: Mapping[str, tuple[tuple[Tensor, Tensor], ...]]
    ) -> list[Tensor]:
        """Unweighted scalar losses in the order of `names`; `features` holds each term's layer pairs."""
        losses = [task_loss]
        for term in self.terms:
            seen = Signals(
                signals.student_output, signals.teacher_output, features.get(term.id, ()), signals.target
            )
            losses.append(term.spec.loss(seen, term.params, term.learnable))
        return losses

    def weights(self, step: int, steps: int) -> list[float]:
        """Weights in the order of `names` for the update that follows `step`."""
        return [self.task_weight] + [t.weight * factor_at(t.schedule, step, steps) for t in self.terms]

    def knobs(self) -> dict[str, tuple[float, Param]]:
        """Every knob's value and bounds: `task_weight`, `<term>.weight`, `<term>.<live parameter>`."""
        found: dict[str, tuple[float, Param]] = {"task_weight": (self.task_weight, TASK_WEIGHT)}
        for term in self.terms:
            found[f"{term.id}.weight"] = (term.weight, TERM_WEIGHT)
            for param in term.spec.params:
                if param.live:
                    found[f"{term.id}.{param.name}"] = (float(term.params[param.name]), param)
        return found

    def turn(self, knob: str, value: Any) -> tuple[float, float]:
        """Set a knob and return (old, new).

        Raises:
            ConfigError: there is no such knob, or the value lies outside its bounds.
        """
        known = self.knobs()
        if knob not in known:
            raise ConfigError(f"there is no knob {knob!r} (there is: {', '.join(known)}).")
        old, param = known[knob]
        new = float(param.check(value))
        if knob == "task_weight":
            self.task_weight = new
        else:
            term_id, name = knob.split(".")
            term = next(term for term in self.terms if term.id == term_id)
            if name == "weight":
                term.weight = new
            else:
                term.params[name] = new
        return old, new


def _bounded(name: str, model: type[VariantConfig] | type[TermConfig]) -> Param:
    field = model.model_fields[name]
    bounds = {type(m).__name__: m for m in field.metadata}
    return Param(
        name=name, title=field.title or "", help=field.description or "", default=float(field.default),
        minimum=bounds["Ge"].ge, maximum=bounds["Le"].le, live=True,
    )  # fmt: skip


TASK_WEIGHT = _bounded("task_weight", VariantConfig)
TERM_WEIGHT = _bounded("weight", TermConfig)
