"""Contrastive representation distillation: an image is nearer to itself at the teacher than to any other image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.data.draws import generator
from kdexplorer.distillation.embedding import embedding, embedding_width, some_features
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision
from kdexplorer.params import Param

EPSILON = 1e-7


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), linear only where float64 could not tell."""
    return F.softplus(x, threshold=40.0)


def nce_loss(log_positive: Tensor, log_others: Tensor, times: Tensor) -> Tensor:
    """Noise-contrastive loss of one direction, mean over the batch.

    With P the scores and c = K / N: −log(P₊ / (P₊ + c + ε)) − Σ log(c / (P + c + ε)) over the K negatives.

    Args:
        log_positive: log of the positive's score [B].
        log_others: log scores of all N remembered images [B, N].
        times: how often each of them was drawn as a negative [B, N]; every row sums to K.
    """
    chance = times.sum(dim=1, dtype=log_others.dtype) / times.shape[1]
    log_chance = (chance + EPSILON).log()
    positive = softplus(log_chance - log_positive)
    negative = (times * softplus(log_others - log_chance[:, None])).sum(dim=1)
    of_epsilon = times.sum(dim=1) * (log_chance - chance.log())
    return (positive + negative + of_epsilon).mean()


def crd_loss(
    student_embedding: Tensor,
    teacher_embedding: Tensor,
    student_memory: Tensor,
    teacher_memory: Tensor,
    index: Tensor,
    times: Tensor,
    temperature: float,
    student_normalizer: Tensor,
    teacher_normalizer: Tensor,
) -> Tensor:
    """Both directions of the noise-contrastive loss, summed: the student among teachers, the teacher among students.

    A score is exp(v · m / τ) / Z. It is taken against the whole memory: one matrix product of [B, N], where copies of
    every image's negatives would take [B, K, D].

    Args:
        student_embedding, teacher_embedding: rows of length 1 [B, D].
        student_memory, teacher_memory: what is remembered of all N training images [N, D].
        index: which of them the batch is, int64 [B].
        times: how often each is drawn as a negative, [B, N] (see `draw_negatives`).
        temperature: τ > 0.
        student_normalizer, teacher_normalizer: Z of the student's and of the teacher's scores, scalars.

    Paper: Tian, Krishnan, Isola, "Contrastive Representation Distillation", arXiv 1910.10699.
    """
    directions = (
        (student_embedding, teacher_memory, student_normalizer),
        (teacher_embedding, student_memory, teacher_normalizer),
    )
    total = student_embedding.new_zeros(())
    for anchor, memory, normalizer in directions:
        log_scores = anchor @ memory.T / temperature - normalizer.log()
        total = total + nce_loss(log_scores.gather(1, index[:, None])[:, 0], log_scores, times)
    return total


def draw_negatives(index: Tensor, samples: int, negatives: int, random: torch.Generator) -> Tensor:
    """How often each of `samples` images is a negative of each of the batch: [B, samples], rows sum to `negatives`.

    Drawn with replacement from all images but the positive; where as many are asked for as there are, each once.
    """
    count = len(index)
    if negatives >= samples - 1:
        return torch.ones(count, samples, device=index.device).scatter_(1, index[:, None], 0.0)
    drawn = torch.randint(samples - 1, (count, negatives), generator=random, device=index.device)
    drawn += drawn >= index[:, None]
    # Whole numbers, so that the order of a parallel sum cannot be seen.
    return torch.zeros(count, samples, device=index.device).scatter_add_(
        1, drawn, torch.ones_like(drawn, dtype=torch.float32)
    )


class Contrast(nn.Module):
    """The two embeddings that are learned, and the memory of both networks' embeddings of every training image."""

    student_memory: Tensor
    teacher_memory: Tensor
    student_normalizer: Tensor
    teacher_normalizer: Tensor

    def __init__(self, student: int, teacher: int, samples: int, dim: int) -> None:
        super().__init__()
        self.student = nn.Linear(student, dim)
        self.teacher = nn.Linear(teacher, dim)
        bound = math.sqrt(3 / dim)
        for name in ("student", "teacher"):
            self.register_buffer(f"{name}_memory", torch.empty(samples, dim).uniform_(-bound, bound))
            self.register_buffer(f"{name}_normalizer", torch.zeros(()))  # 0: not yet known
        self._normalized = False  # spares asking the device at every step

    def forward(
        self, student: Tensor, teacher: Tensor, index: Tensor, params: Mapping[str, Any], seed: int
    ) -> Tensor:
        """The loss of a batch of embeddings [B, C]; the memory then moves towards them."""
        s = F.normalize(full_precision(self.student(student)), dim=1)
        t = F.normalize(full_precision(self.teacher(teacher)), dim=1)
        samples = len(self.student_memory)
        random = generator(index.device, "crd", seed)
        times = draw_negatives(index, samples, params["negatives"], random)
        with torch.no_grad():
            if not self._normalized:
                self._normalize("student", s, self.teacher_memory, index, times, params["temperature"])
                self._normalize("teacher", t, self.student_memory, index, times, params["temperature"])
                self._normalized = True
        loss = crd_loss(
            s, t, self.student_memory, self.teacher_memory, index, times, params["temperature"],
            self.student_normalizer, self.teacher_normalizer,
        )  # fmt: skip
        with torch.no_grad():
            self._remember("student", s, index, params["momentum"])
            self._remember("teacher", t, index, params["momentum"])
        return loss

    def _normalize(
        self, name: str, anchor: Tensor, memory: Tensor, index: Tensor, times: Tensor, temperature: float
    ) -> None:
        """Z = N · the mean score of the first batch; what a checkpoint says of it stays."""
        known = getattr(self, f"{name}_normalizer")
        seen = times.scatter(1, index[:, None], 1.0)
        scores = (anchor @ memory.T / temperature).exp()
        first = (scores * seen).sum() / seen.sum() * len(memory)
        setattr(self, f"{name}_normalizer", torch.where(known > 0, known, first))

    def _remember(self, name: str, embedded: Tensor, index: Tensor, momentum: float) -> None:
        memory = getattr(self, f"{name}_memory")
        alike = (index[:, None] == index).to(embedded.dtype)  # an image twice in a batch counts with its mean
        newest = alike @ embedded / alike.sum(dim=1, keepdim=True)
        rows = F.normalize(momentum * memory[index] + (1 - momentum) * newest, dim=1)
        # A copy: the loss has still to be differentiated by the memory as it was.
        setattr(self, f"{name}_memory", memory.index_copy(0, index, rows))


def _contrasts(pair: Pair, params: Mapping[str, Any]) -> nn.Module:
    return nn.ModuleList(
        Contrast(embedding_width(student), embedding_width(teacher), pair.samples, params["dim"])
        for student, teacher in pair.features
    )


def _loss(signals: Signals, params: Mapping[str, Any], contrasts: nn.Module | None) -> Tensor:
    assert isinstance(contrasts, nn.ModuleList)
    assert signals.index is not None  # `_fits` refuses data without
    losses = []
    for contrast, (student, teacher) in zip(contrasts, signals.features, strict=True):
        vectors = embedding(student), embedding(teacher)
        losses.append(contrast(*vectors, signals.index, params, signals.seed))
    return torch.stack(losses).sum()


def _fits(pair: Pair) -> str | None:
    if pair.samples == 0:
        return (
            "it remembers every training image, and this data is cut anew at every step: "
            "choose a source with a fixed number of images"
        )
    if pair.samples < 2:
        return "it compares an image with others: give it at least 2 training images"
    return some_features(pair)


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    total = 0
    for student, teacher in pair.features:
        learned = (embedding_width(student) + embedding_width(teacher) + 2) * params["dim"]
        total += 4 * learned + 4 * pair.samples * params["dim"] + 14 * pair.batch * pair.samples
    return 4 * total


METHODS.add(
    MethodSpec(
        id="crd",
        title="Contrastive representation",
        order=44,
        summary="Makes the student's view of an image nearer to the teacher's than to that of any other image.",
        matches="which image is which, against all others",
        knowledge="relations",
        paper="1910.10699",
        params=(
            Param(
                name="temperature", default=0.07, minimum=0.02, maximum=1.0, log=True, advanced=True,
                help="Smaller: only the most similar images count as competitors.",
            ),
            Param(
                name="negatives", default=16384, minimum=1, maximum=65536, log=True, advanced=True,
                help="Other images that each is compared with; at most all others of the data.",
            ),
            Param(
                name="dim", default=128, minimum=8, maximum=512, advanced=True,
                help="Width of the learned embedding; the memory takes it twice for every training image.",
            ),
            Param(
                name="momentum", default=0.5, minimum=0.0, maximum=0.99, advanced=True,
                help="Share of the past in what is remembered of an image.",
            ),
        ),
        default_weight=0.8,
        formula=r"-\log\frac{P_+}{P_++K/N}-\sum_{k=1}^{K}\log\frac{K/N}{P_k+K/N},\quad P=\frac{e^{s^\top t/\tau}}{Z}",
        layers="last",
        learnable=_contrasts,
        loss=_loss,
        fits=_fits,
        memory=_memory,
    )
)  # fmt: skip
