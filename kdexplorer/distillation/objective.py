"""A variant's objective: the task's loss and weighted distillation terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.config import TASK, LayerPair, VariantConfig
from kdexplorer.config_objective import MAX_STAGES
from kdexplorer.distillation.balance import balance_for
from kdexplorer.distillation.method import Pair, Signals
from kdexplorer.distillation.plateau import Plateau
from kdexplorer.distillation.schedule import factor_at
from kdexplorer.distillation.term import Term, bounded
from kdexplorer.params import ConfigError, Param

Weight = float | Tensor  # a tensor where the weights follow the losses


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
        self.config = config
        self.task_weight = config.task_weight
        self.terms = [Term(term, layers[term.id], pairs[term.id]) for term in config.terms]
        self.learnable = nn.ModuleDict({k: part for term in self.terms for k, part in term.parts.items()})
        self._balance = balance_for(config.balance, self.names)
        if self._balance is not None:
            self.learnable[":balance"] = self._balance
        self.plateau = Plateau(config.patience) if config.patience else None
        if self.plateau is not None:
            self.learnable[":plateau"] = self.plateau

    @property
    def names(self) -> list[str]:
        """The order of all losses: the task's, then the terms'."""
        return [TASK, *(term.id for term in self.terms)]

    @property
    def last_stage(self) -> int:
        """The number of plateaus after which nothing joins or leaves any more."""
        actives = [term.active for term in self.config.terms]
        return max((max(active.stage, active.until_stage) for active in actives), default=0)

    def active(self, step: int) -> list[Term]:
        """The terms of the stage that the update after `step` belongs to."""
        stage = self.plateau.stage if self.plateau is not None else 0
        return [term for term in self.terms if term.is_active(step, stage)]

    def losses(
        self, task_loss: Tensor, signals: Mapping[str, Signals], step: int, steps: int
    ) -> dict[str, Tensor]:
        """Unweighted scalar losses of the update that follows `step`: the task's and those of all active terms.

        Args:
            signals: by term, what it sees.
        """
        losses = {TASK: task_loss}
        for term in self.active(step):
            losses[term.id] = term.loss(signals[term.id], step, steps)
        return losses

    def weights(self, step: int, steps: int) -> dict[str, float]:
        """What knobs and schedules make of the weights for the update that follows `step`, of what is active."""
        task = self.task_weight * factor_at(self.config.task_schedule, step, steps)
        return {TASK: task} | {term.id: term.weight_at(step, steps) for term in self.active(step)}

    def total(
        self, losses: Mapping[str, Tensor], step: int, steps: int
    ) -> tuple[Tensor | None, dict[str, Weight]]:
        """What is minimised (None if every weight is 0), and the weights in effect."""
        weights: dict[str, Weight] = dict(self.weights(step, steps))
        weighed = {name: loss for name, loss in losses.items() if weights[name]}
        penalty = None
        if self._balance is not None and len(weighed) > 0:
            factors = self._balance.factors({TASK: losses[TASK]} | weighed)
            weights |= {name: weights[name] * factors[name] for name in weighed}
            penalty = self._balance.penalty(weighed)
        if not weighed:
            return None, weights
        total = torch.stack([loss * weights[name] for name, loss in weighed.items()]).sum()
        told = {name: w.detach() if isinstance(w, Tensor) else w for name, w in weights.items()}
        return total if penalty is None else total + penalty, told

    def knobs(self) -> dict[str, tuple[float, Param]]:
        """Every knob's value and bounds: `task_weight`, `<term>.weight`, `<term>.<live parameter>`, and `stage`.

        A schedule is a factor on its knob, so that a knob turns the same way with and without one.
        """
        found: dict[str, tuple[float, Param]] = {"task_weight": (self.task_weight, TASK_WEIGHT)}
        if self.plateau is not None:
            found["stage"] = (self.plateau.stage, STAGE)
        for term in self.terms:
            found |= {f"{term.id}.{name}": knob for name, knob in term.knobs().items()}
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
        elif knob == "stage" and self.plateau is not None:
            self.plateau.stage = int(new)
        else:
            term_id, name = knob.split(".")
            next(term for term in self.terms if term.id == term_id).turn(name, new)
        return old, new


TASK_WEIGHT = bounded("task_weight", VariantConfig)
STAGE = Param(name="stage", default=0, minimum=0, maximum=MAX_STAGES, live=True, help="Plateaus so far.")
