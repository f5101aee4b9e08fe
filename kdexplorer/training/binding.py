"""Which layers of which networks a term compares, and whether its method fits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kdexplorer.config import LayerPair, RunConfig, TermConfig, VariantConfig
from kdexplorer.data.draws import seed_of
from kdexplorer.distillation import METHODS, MethodSpec, Objective, Pair
from kdexplorer.distillation.method import DoesNotFit, Shape
from kdexplorer.distillation.pairing import pair_with_itself, propose_attention, propose_pairs
from kdexplorer.models.build import Network
from kdexplorer.models.taps import Taps
from kdexplorer.params import ConfigError
from kdexplorer.training.teachers import students_behind


@dataclass
class Shapes:
    """Shapes of what a network gives for one image; every layer is asked for once."""

    network: Network
    example: Tensor  # [1, C, H, W]

    def __post_init__(self) -> None:
        self.output: Shape = ()
        self._layers: dict[str, Shape] = {}

    def of(self, paths: Sequence[str]) -> dict[str, Shape]:
        """By module path, the shape without the batch."""
        if not self.output or not set(paths) <= self._layers.keys():
            self._look(sorted(set(paths)))
        return {path: self._layers[path] for path in paths}

    def _look(self, paths: list[str]) -> None:
        module = self.network.module
        training = module.training
        module.eval()
        with torch.no_grad(), Taps(module, paths) as features:
            output = module(self.example)
        module.train(training)
        self.output = tuple(output.shape[1:])
        self._layers |= {path: tuple(features[path].shape[1:]) for path in paths}

    def stages(self) -> dict[str, Shape]:
        """By stage name, from shallow to deep."""
        shapes = self.of(list(self.network.stages.values()))
        return {name: shapes[path] for name, path in self.network.stages.items()}


class Binder:
    """Binds every variant's terms to layers; all students share one architecture.

    Args:
        config: the run.
        student: one of the students.
        teachers: frozen networks by name, the run's first as `teacher`.
        scale: output side ÷ input side.
        samples: training images that a batch's index counts; 0 where there is no such number.
    """

    def __init__(
        self, config: RunConfig, student: Shapes, teachers: Mapping[str, Shapes], *, scale: int, samples: int
    ) -> None:
        self._config, self._scale, self._samples = config, scale, samples
        self._student, self._teachers = student, teachers

    def objective(self, variant: VariantConfig) -> Objective:
        """The objective of a variant, its learnable parts drawn from the run's seed.

        Raises:
            ConfigError: a term does not fit, or names a layer that is not there.
        """
        layers: dict[str, list[LayerPair]] = {}
        pairs: dict[str, Pair] = {}
        for term in variant.terms:
            layers[term.id], pairs[term.id] = self.bind(variant.name, term)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of("learnable", self._config.training.seed))
            return Objective(variant, layers, pairs)

    def pairing(self, variant: str, term: TermConfig, which: str = "") -> Sequence[LayerPair]:
        """The pairs of layers that a term compares, as they are named: its own, or those that are proposed.

        `which` proposes others than its method asks for: "last", "middle" or "all".

        Raises:
            ConfigError: its method cannot learn from its teacher.
        """
        spec = METHODS[term.method]
        teacher = self._shapes_of(variant, term, spec)
        return term.layers or self._proposed(term, which or spec.layers, teacher)

    def bind(self, variant: str, term: TermConfig) -> tuple[list[LayerPair], Pair]:
        """The module paths of a term's pairs of layers, and the shapes that it compares.

        Raises:
            ConfigError: its method cannot learn from its teacher, or it names a layer that is not there.
        """
        spec = METHODS[term.method]
        teacher = self._shapes_of(variant, term, spec)
        named = self.pairing(variant, term)
        layers = [
            LayerPair(
                student=layer_path(self._student.network, pair.student, spec),
                teacher=layer_path(teacher.network, pair.teacher, spec),
            )
            for pair in named
        ]
        students = self._student.of([pair.student for pair in layers])
        taught = teacher.of([pair.teacher for pair in layers])
        return layers, Pair(
            self._student.output,
            teacher.output,
            tuple((students[pair.student], taught[pair.teacher]) for pair in layers),
            heads=tuple(
                (_heads(self._student.network, pair.student), _heads(teacher.network, pair.teacher))
                for pair in layers
                if spec.layers == "attention"
            ),
            scale=self._scale,
            batch=self._config.training.batch_size,
            samples=self._samples,
        )

    def _shapes_of(self, variant: str, term: TermConfig, spec: MethodSpec) -> Shapes:
        who, compares_layers = term.teacher, spec.layers != "none"
        if who in self._teachers:
            return self._teachers[who]
        problem = None
        if who == "self" and not compares_layers:
            problem = (
                "a network's own response teaches it nothing: choose a method that compares layers, or 'ema'"
            )
        elif who == "mean" and compares_layers:
            problem = "features of several teachers have no mean: name one teacher"
        elif who == "peers" and compares_layers and len(students_behind(self._config, variant, who)) > 1:
            problem = "features of several variants have no mean: name one as 'variant:<name>'"
        elif spec.teacher_gradient and who != "ema":
            problem = "it looks into its teacher: choose one network as the teacher"
        if problem:
            raise DoesNotFit(spec, f"the teacher {who!r}", problem)
        if who == "mean":
            return self._mean(spec)
        return self._student  # ema, self, peers and other variants are networks of the student's kind

    def _mean(self, spec: MethodSpec) -> Shapes:
        every = list(self._teachers.values())
        for shapes in every:
            shapes.of([])
        if len({shapes.output for shapes in every}) > 1:
            reason = "the teachers' responses differ in size or classes"
            raise DoesNotFit(spec, "the teacher 'mean'", reason)
        return every[0]

    def _proposed(self, term: TermConfig, which: str, teacher: Shapes) -> Sequence[LayerPair]:
        if which == "none":
            return ()
        if which == "attention":
            return propose_attention([*self._student.network.attention], [*teacher.network.attention])
        if term.teacher == "self":
            return pair_with_itself(list(self._student.network.stages), which)
        return propose_pairs(self._student.stages(), teacher.stages(), which)


def layer_path(network: Network, name: str, spec: MethodSpec | None = None) -> str:
    """The module path of a stage name, an attention block's name or a module path.

    Raises:
        ConfigError: the network has no such layer.
    """
    if spec is not None and spec.layers == "attention" and name in network.attention:
        return network.attention[name][0]
    path = network.stages.get(name, name)
    if path in dict(network.module.named_modules()) and path:
        return path
    stages = ", ".join(network.stages)
    raise ConfigError(
        f"{network.info.model} has no layer {name!r}: its stages are {stages}; module paths work too."
    )


def _heads(network: Network, path: str) -> int:
    for attended, heads in network.attention.values():
        if attended == path:
            return heads
    blocks = ", ".join(network.attention) or "none"
    raise ConfigError(f"{network.info.model}: {path!r} is no attention; its attention blocks: {blocks}.")
