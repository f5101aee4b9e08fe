"""Who teaches: frozen networks, the mean of several, and a student's own moving average."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from kdexplorer.config import RunConfig
from kdexplorer.models.taps import Taps

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class View:
    """What a network gave for a batch: its output, and its tapped features by module path."""

    output: Tensor
    features: Mapping[str, Tensor] = field(default_factory=dict)

    def detached(self) -> View:
        """The same without its graph; itself where it has none."""
        if not self.output.requires_grad:
            return self
        return View(self.output.detach(), {path: feature.detach() for path, feature in self.features.items()})


class Teacher:
    """A frozen network and the layers that terms compare with.

    Args:
        module: the network; its parameters never get a gradient.
        layers: module paths.
        gradient: some term differentiates its output by its features.
    """

    def __init__(self, module: nn.Module, layers: Sequence[str], *, gradient: bool = False) -> None:
        self.module, self._gradient = module, gradient
        self._taps = Taps(module, sorted(set(layers)))

    def ask(self, images: Tensor, *, gradient: bool = True) -> View:
        """What it gives for images [B, C, H, W]; with a graph from its input on if a term asks for that."""
        self.module.eval()  # every step: a stray train() would let BatchNorm and dropout drift
        if not (self._gradient and gradient):
            # no_grad rather than inference_mode: autograd refuses to save inference tensors, and losses save these.
            with torch.no_grad(), self._taps as features:
                return View(self.module(images), features)
        with torch.enable_grad(), self._taps as features:
            return View(self.module(images.detach().requires_grad_()), features)


def mean_view(views: Sequence[View], weights: Sequence[float]) -> View:
    """The weighted mean of several responses; features have none."""
    whole = sum(weights)
    parts = [
        view.output.detach().float() * (weight / whole) for view, weight in zip(views, weights, strict=True)
    ]
    return View(torch.stack(parts).sum(dim=0))


class MovingAverage(Teacher):
    """An exponential moving average of a student as its teacher.

    The decay begins lower, min(decay, (1 + k) / (10 + k)) after step k, so that the average forgets the random start.
    Papers: Tarvainen, Valpola, "Mean teachers are better role models", arXiv 1703.01780.
    """

    def __init__(
        self, student: nn.Module, layers: Sequence[str], decay: float, *, gradient: bool = False
    ) -> None:
        super().__init__(copy.deepcopy(student).eval().requires_grad_(False), layers, gradient=gradient)
        self._decay = decay

    @torch.no_grad()
    def restart(self, student: nn.Module) -> None:
        """Take the student's weights as they are."""
        for own, other in zip(_tensors(self.module), _tensors(student), strict=True):
            own.copy_(other)

    @torch.no_grad()
    def follow(self, student: nn.Module, step: int) -> None:
        """Move towards the student after the update that followed `step`; statistics of norms are copied."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.module.parameters()), list(student.parameters()), 1 - decay)
        for own, other in zip(self.module.buffers(), student.buffers(), strict=True):
            own.copy_(other)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def students_behind(config: RunConfig, variant: str, teacher: str) -> list[str]:
    """The other students that a variant's term with this `teacher` learns from; none for a frozen one.

    Peers are all variants but the control, which nobody teaches and who teaches nobody unasked.
    """
    if teacher == "peers":
        return [other.name for other in config.variants if other.name != variant]
    return [teacher.removeprefix("variant:")] if teacher.startswith("variant:") else []


def quiet_forward(module: nn.Module) -> Forward:
    """Forward in evaluation mode and without gradient; the mode is put back, so that nothing is left of it."""

    def forward(images: Tensor) -> Tensor:
        with torch.no_grad(), _evaluating(module):
            output: Tensor = module(images)
            return output

    return forward


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)
