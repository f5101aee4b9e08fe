"""The cohort: students in lock-step on the same batches, from the same initial weights, beside one teacher."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.config import LayerPair, RunConfig, TrainingConfig, VariantConfig
from kdexplorer.data.draws import seed_of
from kdexplorer.distillation import METHODS, Objective, Pair, Signals
from kdexplorer.distillation.pairing import pair_stages
from kdexplorer.events import TermValue
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.taps import Taps
from kdexplorer.params import ConfigError, Param
from kdexplorer.tasks import Batch, Task

LEARNING_RATE = Param(
    name="learning_rate", default=1e-3, minimum=0, maximum=10, live=True, help="Step size of the optimiser."
)


class NonFiniteLoss(Exception):
    """A loss became NaN or infinite."""

    def __init__(self, variant: str, term: str, step: int) -> None:
        super().__init__(f"the {term} loss of {variant!r} was not finite at step {step}")
        self.variant, self.term, self.step = variant, term, step


def optimizer_for(parameters: Sequence[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser of one student: fused, so that a step costs few kernel launches."""
    common: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=0.9, nesterov=True, **common)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, **common)


def learning_rate_factor(config: TrainingConfig, step: int) -> float:
    """What the schedule makes of the learning rate for the update that follows `step`.

    Steps beyond the configured ones (a run that was extended) go on at the schedule's last value.
    """
    progress = min(step / config.steps, 1.0)
    factor = 1.0
    if config.lr_schedule == "cosine":
        factor = 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2
    elif config.lr_schedule == "step":
        factor = 0.1 ** sum(progress >= mark for mark in (0.625, 0.75, 0.875))
    if step < config.warmup:
        factor *= (step + 1) / config.warmup
    return factor


class Student:
    """One student of the cohort with its objective and its optimiser."""

    def __init__(
        self, network: Network, variant: VariantConfig, objective: Objective, config: RunConfig
    ) -> None:
        self.name, self.network, self.objective = variant.name, network, objective
        self.module = network.module
        self.taps = Taps(self.module, sorted({p.student for t in objective.terms for p in t.layers}))
        self.parameters = [*self.module.parameters(), *objective.learnable.parameters()]
        self.optimizer = optimizer_for(self.parameters, config.training)


class Cohort:
    """All students, the teacher they share, and the step that trains them together.

    Args:
        config: the run.
        task: its data and loss.
        teacher: the frozen teacher, or None.
        device: where everything lives.
    """

    def __init__(self, config: RunConfig, task: Task, teacher: Network | None, device: torch.device) -> None:
        self.config, self.task, self.teacher, self.device = config, task, teacher, device
        self.learning_rate = config.training.learning_rate
        networks = [build_network(config.student, task.io, seed=config.training.seed) for _ in config.cohort]
        for network in networks:
            network.module.to(device).to(memory_format=torch.channels_last)
        example = task.batch(0).input[:1]
        objectives = objectives_for(config.cohort, networks[0], teacher, example, config.training.seed)
        self.students = [
            Student(network, variant, objective, config)
            for network, variant, objective in zip(networks, config.cohort, objectives, strict=True)
        ]
        for student in self.students:
            student.objective.learnable.to(device).to(memory_format=torch.channels_last)
        layers = sorted({p.teacher for s in self.students for t in s.objective.terms for p in t.layers})
        self._teacher_taps = Taps(teacher.module, layers) if teacher else None
        self._needs_teacher = any(student.objective.terms for student in self.students)
        self._unread: list[tuple[int, Tensor]] = []

    def train_step(self, step: int, steps: int) -> None:
        """The update that follows `step`. Losses stay on the device until `read_losses`."""
        batch = self.task.batch(step)
        teacher_output, teacher_features = self._ask_teacher(batch)
        rate = self.learning_rate * learning_rate_factor(self.config.training, step)
        noise = seed_of("dropout", self.config.training.seed, step)
        seen: list[Tensor] = []
        for student in self.students:
            self._seed(noise)  # dropout falls alike in all students, and alike in a replay
            with self._precision(), student.taps as features:
                output = student.module(batch.input)
            signals = Signals(output, output if teacher_output is None else teacher_output, (), batch.target)
            pairs = {
                term.id: tuple((features[p.student], teacher_features[p.teacher]) for p in term.layers)
                for term in student.objective.terms
            }
            losses = student.objective.losses(self.task.loss(output, batch), signals, pairs)
            self._update(student, losses, student.objective.weights(step, steps), rate)
            seen += [loss.detach().float() for loss in losses]
        self._unread.append((step + 1, torch.stack(seen)))

    def _ask_teacher(self, batch: Batch) -> tuple[Tensor | None, Mapping[str, Tensor]]:
        if self.teacher is None or self._teacher_taps is None or not self._needs_teacher:
            return None, {}
        self.teacher.module.eval()  # every step: a stray train() would let BatchNorm and dropout drift
        # no_grad rather than inference_mode: autograd refuses to save inference tensors, and losses save these.
        with torch.no_grad(), self._precision(), self._teacher_taps as features:
            return self.teacher.module(batch.input), features

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

    def _update(self, student: Student, losses: list[Tensor], weights: list[float], rate: float) -> None:
        weighted = [loss * weight for loss, weight in zip(losses, weights, strict=True) if weight]
        if not weighted:
            return
        torch.stack(weighted).sum().backward()  # type: ignore[no-untyped-call]
        if clip := self.config.training.clip_norm:
            nn.utils.clip_grad_norm_(student.parameters, clip)
        for group in student.optimizer.param_groups:
            group["lr"] = rate
        student.optimizer.step()
        student.optimizer.zero_grad(set_to_none=True)

    def read_losses(self, steps: int) -> dict[str, dict[str, TermValue]]:
        """Every term's mean since the last call; this is the one synchronisation with the device per log point.

        Raises:
            NonFiniteLoss: the first that was not finite.
        """
        names = [(s, term) for s in self.students for term in s.objective.names]
        table = torch.stack([values for _, values in self._unread]).tolist()
        for (step, _), row in zip(self._unread, table, strict=True):
            for (student, term), value in zip(names, row, strict=True):
                if not math.isfinite(value):
                    raise NonFiniteLoss(student.name, term, step)
        last = self._unread[-1][0] - 1
        self._unread.clear()
        weights = [w for s in self.students for w in s.objective.weights(last, steps)]
        losses: dict[str, dict[str, TermValue]] = {student.name: {} for student in self.students}
        for index, ((student, term), weight) in enumerate(zip(names, weights, strict=True)):
            mean = sum(row[index] for row in table) / len(table)
            losses[student.name][term] = TermValue(value=mean, weight=weight)
        return losses

    @property
    def has_unread_losses(self) -> bool:
        return bool(self._unread)

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


def objectives_for(
    variants: Sequence[VariantConfig], student: Network, teacher: Network | None, example: Tensor, seed: int
) -> list[Objective]:
    """Bind every variant's terms to layers of the two networks; all students share one architecture.

    Raises:
        ConfigError: a term does not fit the pair, or names a layer that is not there.
    """
    objectives = []
    for variant in variants:
        layers: dict[str, list[LayerPair]] = {}
        pairs: dict[str, Pair] = {}
        for term in variant.terms:
            assert teacher is not None  # RunConfig sees to it
            named = term.layers or pair_stages(
                list(student.stages), list(teacher.stages), METHODS[term.method].layers
            )
            layers[term.method] = [
                LayerPair(student=layer_path(student, p.student), teacher=layer_path(teacher, p.teacher))
                for p in named
            ]
            pairs[term.method] = pair_of(student, teacher, layers[term.method], example)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of("learnable", seed))
            objectives.append(Objective(variant, layers, pairs))
    return objectives


def layer_path(network: Network, name: str) -> str:
    """The module path of a stage name or module path.

    Raises:
        ConfigError: the network has no such layer.
    """
    path = network.stages.get(name, name)
    if path in dict(network.module.named_modules()) and path:
        return path
    stages = ", ".join(network.stages)
    raise ConfigError(
        f"{network.info.model} has no layer {name!r}: its stages are {stages}; module paths work too."
    )


def pair_of(student: Network, teacher: Network, layers: Sequence[LayerPair], example: Tensor) -> Pair:
    """The shapes of both networks' outputs and paired layers for one image [1, C, H, W]."""
    seen = []
    for network, paths in ((student, [p.student for p in layers]), (teacher, [p.teacher for p in layers])):
        training = network.module.training
        network.module.eval()
        with torch.no_grad(), Taps(network.module, sorted(set(paths))) as features:
            output = network.module(example)
        network.module.train(training)
        seen.append((tuple(output.shape[1:]), [tuple(features[path].shape[1:]) for path in paths]))
    (student_output, student_shapes), (teacher_output, teacher_shapes) = seen
    return Pair(student_output, teacher_output, tuple(zip(student_shapes, teacher_shapes, strict=True)))
