"""One student of the cohort."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from kdexplorer.config import RunConfig, VariantConfig
from kdexplorer.distillation import Objective
from kdexplorer.distillation.history import HistoryStudent, histories
from kdexplorer.models.build import Network
from kdexplorer.models.taps import Taps
from kdexplorer.training.optimizer import optimizer_for
from kdexplorer.training.teachers import MovingAverage, View


class Student:
    """A network with its objective and its optimiser.

    Args:
        taught: module paths that other students' terms compare with.

    Attributes:
        average: its moving average, where that teaches it.
    """

    def __init__(
        self,
        network: Network,
        variant: VariantConfig,
        objective: Objective,
        config: RunConfig,
        taught: Sequence[str] = (),
    ) -> None:
        self.name, self.network, self.objective, self.config = variant.name, network, objective, variant
        self.module = network.module
        layers = {pair.student for term in objective.terms for pair in term.layers} | set(taught)
        layers |= {p.teacher for t in objective.terms if t.config.teacher == "self" for p in t.layers}
        self.taps = Taps(self.module, sorted(layers))
        self.histories = histories(objective.learnable)
        for history in self.histories:
            history.attach(self.module)
        self.parameters = [*self.module.parameters(), *objective.learnable.parameters()]
        self.optimizer = optimizer_for(self.parameters, config.training)
        averaged = [term for term in objective.terms if term.config.teacher == "ema"]
        self.average: MovingAverage | None = None
        if averaged:
            self.average = MovingAverage(
                self.module,
                [pair.teacher for term in averaged for pair in term.layers],
                variant.ema_decay,
                gradient=any(term.spec.teacher_gradient for term in averaged),
            )

    def look(self, images: Tensor) -> View:
        """What it gives for images [B, C, H, W], with its graph."""
        with self.taps as features:
            return View(self.module(images), features)

    def begin(self) -> None:
        """It has the weights it begins with."""
        for follower in self._followers:
            follower.restart(self.module)

    def follow(self, step: int) -> None:
        """Let everything that follows its weights move after the update that followed `step`."""
        for follower in self._followers:
            follower.follow(self.module, step)

    @property
    def _followers(self) -> list[MovingAverage | HistoryStudent]:
        return [*self.histories, *([self.average] if self.average is not None else [])]

    def update(self, total: Tensor, rate: float, clip: float) -> None:
        """One step of the optimiser down the gradient of `total`."""
        total.backward()  # type: ignore[no-untyped-call]
        if clip:
            nn.utils.clip_grad_norm_(self.parameters, clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
