"""The cohort: students in lock-step on the same batches, from the same initial weights, beside their teachers."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from kdexplorer.config import RunConfig, VariantConfig
from kdexplorer.data.draws import seed_of
from kdexplorer.events import TermValue
from kdexplorer.models.build import Network, build_network
from kdexplorer.params import ConfigError, Param
from kdexplorer.tasks import Batch, Task
from kdexplorer.training.binding import Binder, Shapes
from kdexplorer.training.gradients import gradient_shares
from kdexplorer.training.loss_log import LossLog, NonFiniteLoss
from kdexplorer.training.optimizer import learning_rate_factor
from kdexplorer.training.student import Student
from kdexplorer.training.teachers import View
from kdexplorer.training.teaching import Teaching, layers_taught

__all__ = ["Cohort", "NonFiniteLoss", "Student"]

LEARNING_RATE = Param(
    name="learning_rate", default=1e-3, minimum=0, maximum=10, live=True, help="Step size of the optimiser."
)


class Cohort:
    """All students, the teachers they share, and the step that trains them together.

    Args:
        config: the run.
        task: its data and loss.
        teacher: the frozen teacher, or None.
        device: where everything lives.
        more: further frozen teachers by name.
    """

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        teacher: Network | None,
        device: torch.device,
        more: Mapping[str, Network] | None = None,
    ) -> None:
        self.config, self.task, self.teacher, self.device = config, task, teacher, device
        self.learning_rate = config.training.learning_rate
        networks = [self._network(variant) for variant in config.cohort]
        frozen = ({"teacher": teacher} if teacher else {}) | dict(more or {})
        example = task.batch(0).input[:1]
        binder = Binder(
            config,
            Shapes(networks[0], example),
            {name: Shapes(network, example) for name, network in frozen.items()},
            scale=task.io.scale,
            samples=task.samples,
        )
        objectives = [binder.objective(variant) for variant in config.cohort]
        taught = layers_taught(config, objectives)
        self.students = [
            Student(network, variant, objective, config, taught[variant.name])
            for network, variant, objective in zip(networks, config.cohort, objectives, strict=True)
        ]
        for student in self.students:
            student.objective.learnable.to(device).to(memory_format=torch.channels_last)
        self.teaching = Teaching(config, frozen, self.students, self._precision)
        self._log = LossLog()

    def _network(self, variant: VariantConfig) -> Network:
        seed = self.config.training.seed
        if variant.own_start:
            seed = seed_of("own start", seed, variant.name)
        network = build_network(self.config.student, self.task.io, seed=seed)
        network.module.to(self.device).to(memory_format=torch.channels_last)
        return network

    def train_step(self, step: int, steps: int) -> None:
        """The update that follows `step`. Losses stay on the device until `read_losses`."""
        batch = self.task.batch(step)
        plan = self.config.training
        taught = self.teaching.ask(batch, step)
        rate = self.learning_rate * learning_rate_factor(plan, step)
        sampled = bool(plan.gradient_every) and step % plan.gradient_every == 0
        views: dict[str, View] = {}
        if self.teaching.mutual:  # all are asked before any moves
            views = {student.name: self._look(student, batch, step) for student in self.students}
        for student in self.students:
            if not self.teaching.mutual:  # one graph at a time
                views = {student.name: self._look(student, batch, step)}
            view, objective = views[student.name], student.objective
            signals = self.teaching.signals(student, batch, step, taught, views)
            losses = objective.losses(self.task.loss(view.output, batch), signals, step, steps)
            total, weights = objective.total(losses, step, steps)
            if sampled:
                own_parameters = list(student.module.parameters())
                self._log.add_shares(student.name, *gradient_shares(losses, weights, own_parameters))
            if total is not None:
                student.update(total, rate, plan.clip_norm)
            student.follow(step)
            self._log.add(student.name, losses, weights)
        self._log.finish(step + 1)

    def _look(self, student: Student, batch: Batch, step: int) -> View:
        # Dropout falls alike in all students, and alike in a replay.
        self._seed(seed_of("dropout", self.config.training.seed, step))
        with self._precision():
            return student.look(batch.input)

    def _seed(self, seed: int) -> None:
        """As `torch.manual_seed`, which also asks every other kind of device and takes ten times as long."""
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif self.device.type == "mps":
            torch.mps.manual_seed(seed)

    def _precision(self) -> torch.autocast:
        half = self.config.training.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half)

    def read_losses(self, steps: int) -> dict[str, dict[str, TermValue]]:
        """Every active term's mean since the last call; see `LossLog.read`."""
        return self._log.read()

    def read_gradients(self) -> dict[str, dict[str, float]]:
        """By variant and term, the share of the gradient norm, where it was looked at since the last call."""
        return self._log.read_shares()

    def read_seen(self, step: int) -> dict[str, dict[str, dict[str, float]]]:
        """By variant and term that is active at `step`, what its method noted there beside the loss."""
        found = {
            student.name: {
                term.id: {name: float(value) for name, value in term.seen.items()}
                for term in student.objective.active(step)
                if term.seen
            }
            for student in self.students
        }
        return {name: terms for name, terms in found.items() if terms}

    @property
    def has_unread_losses(self) -> bool:
        return bool(self._log)

    def begin(self) -> None:
        """The students have the weights they begin with."""
        for student in self.students:
            student.begin()

    def turn(self, knob: str, value: float) -> tuple[float, float]:
        """Set `learning_rate` or `<variant>.<knob of its objective>`; returns (old, new).

        Raises:
            ConfigError: no such knob, or out of bounds.
        """
        if knob == "learning_rate":
            old, self.learning_rate = self.learning_rate, float(LEARNING_RATE.check(value))
            return old, self.learning_rate
        name, _, rest = knob.partition(".")
        for student in self.students:
            if student.name == name:
                return student.objective.turn(rest, value)
        names = ", ".join(student.name for student in self.students)
        raise ConfigError(f"there is no knob {knob!r}: knobs are learning_rate and those of {names}.")
