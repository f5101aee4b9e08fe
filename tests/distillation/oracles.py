"""What every method is checked against: golden values, torchdistill where it has the paper's formula, and a plain
derivation.

`ORACLES` gives, by method, what the reference is and a function that computes (ours, reference) on random float64
inputs. `benchmarks/proof.py` makes a table of it.
"""

from collections.abc import Callable
from typing import Any

import derivations as plain
import torch
import torch.nn.functional as F
from oracles_features import ORACLES as FEATURES
from oracles_golden import GOLDEN
from torch import Tensor
from torchdistill.losses import mid_level

from kdexplorer.distillation import (
    attention_transfer_loss,
    channel_attention_loss,
    crd_loss,
    dist_loss,
    dkd_loss,
    hint_loss,
    logit_standardization_loss,
    nst_loss,
    pkt_loss,
    reconstruction_loss,
    rkd_angle_loss,
    rkd_distance_loss,
    self_distillation_loss,
    similarity_preserving_loss,
    soft_target_loss,
    vid_loss,
)
from kdexplorer.distillation.methods.crd import Contrast

Pairs = list[tuple[Tensor, Tensor | float]]
LIBRARY = "torchdistill 1.1.5"
PLAIN = "derivation in plain Python"
BOTH = f"{LIBRARY}; {PLAIN}"
AT = {"io": "output", "path": "x"}


def draw(*shape: int, seed: int, scale: float = 2.0) -> tuple[Tensor, Tensor]:
    """A student's and a teacher's tensor of the same shape."""
    random = torch.Generator().manual_seed(seed)
    student, teacher = scale * torch.randn(2, *shape, generator=random, dtype=torch.float64)
    return student, teacher


def library(kind: type[torch.nn.Module], student: Any, teacher: Any, *args: Any, **kwargs: Any) -> Tensor:
    """torchdistill's loss of what two layers named "x" put out."""
    module = kind(*args, **kwargs)
    value: Tensor = module({"x": {"output": student}}, {"x": {"output": teacher}})
    return value


def maps(feature: Tensor) -> list[list[list[float]]]:
    """[B, C, H, W] → images of channels of positions."""
    found: list[list[list[float]]] = feature.flatten(2).tolist()
    return found


def soft_targets() -> Pairs:
    found: Pairs = []
    for temperature in (1.0, 4.0, 7.5):
        s, t = draw(6, 7, seed=1)
        ours = soft_target_loss(s, t, temperature)
        theirs = library(mid_level.KDLoss, s, t, "x", "output", "x", "output", temperature, alpha=0)
        found += [
            (ours, theirs * temperature**2),
            (ours, plain.soft_targets(s.tolist(), t.tolist(), temperature)),
        ]
    return found


def logit_standardization() -> Pairs:
    found: Pairs = []
    for temperature in (1.0, 2.0, 4.0):
        s, t = draw(6, 7, seed=2)
        ours = logit_standardization_loss(s, t, temperature)
        theirs = library(mid_level.LogitStdKDLoss, s, t, "x", "output", "x", "output", temperature, alpha=0)
        wanted = plain.logit_standardization(s.tolist(), t.tolist(), temperature)
        found += [(ours, theirs * temperature**2), (ours, wanted)]
    return found


def dkd() -> Pairs:
    found: Pairs = []
    for classes, (alpha, beta, temperature) in ((2, (1, 8, 4.0)), (7, (1, 8, 4.0)), (7, (0.5, 2, 1.0))):
        s, t = draw(6, classes, seed=classes)
        y = torch.tensor([0, 1, 1, 0, classes - 1, 0])
        wanted = plain.dkd(s.tolist(), t.tolist(), y.tolist(), alpha, beta, temperature)
        found.append((dkd_loss(s, t, y, alpha, beta, temperature), wanted))
    return found


def self_distillation() -> Pairs:
    found: Pairs = []
    for alpha, weight, temperature in ((0.3, 0.03, 3.0), (0.0, 1.0, 1.0), (1.0, 0.0, 4.0)):
        s, t = draw(6, 7, seed=8)
        f, g = draw(6, 5, seed=9)
        y = torch.tensor([0, 6, 1, 0, 3, 2])
        args = (alpha, weight, temperature)
        wanted = plain.self_distillation(s.tolist(), t.tolist(), y.tolist(), f.tolist(), g.tolist(), *args)
        found.append((self_distillation_loss(s, t, y, f, g, *args), wanted))
    return found


def dist() -> Pairs:
    found: Pairs = []
    for beta, gamma, temperature in ((1.0, 1.0, 1.0), (2.0, 0.5, 4.0)):
        s, t = draw(6, 7, seed=3)
        args = (beta, gamma, temperature)
        ours = dist_loss(s, t, *args)
        found.append((ours, plain.dist(s.tolist(), t.tolist(), *args)))
    return found


def response() -> Pairs:
    s, t = draw(2, 3, 5, 4, seed=4)
    a, b = s.flatten().tolist(), t.flatten().tolist()
    return [
        (reconstruction_loss(s, t), plain.mean_power(a, b, 1)),
        (reconstruction_loss(s, t, "l2"), plain.mean_power(a, b, 2)),
    ]


def hint() -> Pairs:
    s, t = draw(2, 3, 5, 4, seed=5)
    return [(hint_loss(s, t), plain.mean_power(s.flatten().tolist(), t.flatten().tolist(), 2))]


def attention_transfer() -> Pairs:
    s, t = draw(4, 6, 5, 4, seed=6)
    s = s[:, :4]
    ours = attention_transfer_loss(s, t)
    pairs = {"a": {"student": AT, "teacher": AT}}
    return [
        (ours, library(mid_level.ATLoss, s, t, pairs)),
        (ours, plain.attention_transfer(maps(s), maps(t))),
    ]


def channel_attention() -> Pairs:
    s, t = draw(4, 6, 5, 4, seed=7)
    return [(channel_attention_loss(s, t), plain.channel_attention(maps(s), maps(t)))]


def similarity_preserving() -> Pairs:
    s, t = draw(5, 6, 3, 3, seed=8)
    s = s[:, :4]
    wanted = plain.similarity_preserving(s.flatten(1).tolist(), t.flatten(1).tolist())
    return [(similarity_preserving_loss(s, t), wanted)]


def rkd_distance() -> Pairs:
    s, t = draw(6, 9, seed=9)
    s = s[:, :5]
    ours = rkd_distance_loss(s, t)
    theirs = library(mid_level.RKDLoss, s, t, "x", "x", 1.0, 0.0, "mean")
    return [(ours, theirs), (ours, plain.rkd_distance(s.tolist(), t.tolist()))]


def rkd_angle() -> Pairs:
    s, t = draw(6, 9, seed=10)
    s = s[:, :5]
    ours, some = rkd_angle_loss(s, t), torch.tensor([4, 1])
    theirs = library(mid_level.RKDLoss, s, t, "x", "x", 0.0, 1.0, "mean")
    return [
        (ours, theirs),
        (ours, plain.rkd_angle(s.tolist(), t.tolist(), range(6))),
        (rkd_angle_loss(s, t, some), plain.rkd_angle(s.tolist(), t.tolist(), some.tolist())),
    ]


def pkt() -> Pairs:
    s, t = draw(6, 9, seed=11)
    s = s[:, :5]
    ours = pkt_loss(s, t)
    theirs = library(mid_level.PKTLoss, s.clone(), t.clone(), "x", "output", "x", "output")
    return [(ours, theirs), (ours, plain.pkt(s.tolist(), t.tolist()))]


def vid() -> Pairs:
    mean, t = draw(3, 4, 5, 2, seed=12)
    variance = torch.tensor([0.3, 5.0, 1.0, 2.5], dtype=torch.float64)
    ours = vid_loss(mean, t, variance)
    pairs = {"a": {"student": AT, "teacher": AT}}
    theirs = library(mid_level.VIDLoss, (mean, variance.view(1, -1, 1, 1)), t, pairs)
    return [(ours, theirs), (ours, plain.vid(maps(mean), maps(t), variance.tolist()))]


def nst() -> Pairs:
    found: Pairs = []
    for side in (4, 2):  # more positions than channels, and fewer
        s, t = draw(3, 7, side, side, seed=13)
        s = s[:, :5]
        found.append((nst_loss(s, t), plain.nst(maps(s), maps(t))))
    return found


def crd() -> Pairs:
    return crd_formula() + crd_steps()


def crd_formula() -> Pairs:
    """Some negatives, one of them twice."""
    s, t = (F.normalize(x, dim=1) for x in draw(3, 8, seed=14))
    banks = tuple(F.normalize(x, dim=1) for x in draw(9, 8, seed=15))
    index = torch.tensor([4, 0, 7])
    negatives = torch.tensor([[1, 2, 2, 8], [5, 6, 7, 8], [0, 1, 4, 6]])
    times = torch.zeros(3, 9).scatter_add_(1, negatives, torch.ones(3, 4))
    z = torch.tensor([20.0, 30.0], dtype=torch.float64)
    lists = [x.tolist() for x in (s, t, *banks, index, negatives)]
    wanted = plain.crd(*lists, 0.25, (20.0, 30.0))
    return [(crd_loss(s, t, *banks, index, times, 0.25, z[0], z[1]), wanted)]


def crd_steps() -> Pairs:
    """Three steps of the module with its memory, every other image a negative."""
    samples, dim = 10, 8
    ours = Contrast(5, 6, samples, dim).double()
    theirs = mid_level.CRDLoss("x", "empty", "x", dim, samples, samples - 1, samples).double()
    theirs.params[1] = 0.07  # it keeps a float32
    for mine, other in ((ours.student_memory, theirs.memory_v1), (ours.teacher_memory, theirs.memory_v2)):
        random = torch.Generator().manual_seed(len(mine))
        mine.copy_(torch.randn(mine.shape, generator=random, dtype=torch.float64) / dim**0.5)
        other.copy_(mine)
    params = {"negatives": 16384, "temperature": 0.07, "momentum": 0.5}
    found: Pairs = []
    for step, index in enumerate(([3, 8, 0], [5, 3, 9], [8, 1, 2])):
        s, t = draw(3, 6, seed=20 + step)
        s, positive = s[:, :5], torch.tensor(index)
        everyone = [[i, *(k for k in range(samples) if k != i)] for i in index]
        mine = ours(s, t, positive, params, step)
        embedded = [F.normalize(f(x), dim=1).detach() for f, x in ((ours.student, s), (ours.teacher, t))]
        supplement = {"pos_idx": positive, "contrast_idx": torch.tensor(everyone)}
        student = {"x": {"output": embedded[0]}, "empty": {"input": supplement}}
        other = theirs(student, {"x": {"output": embedded[1]}})
        found.append((mine.detach(), other[0]))
        found.append((ours.student_memory.norm(), theirs.memory_v1.norm()))
    return found


ORACLES: dict[str, tuple[str, Callable[[], Pairs]]] = {
    "soft_targets": (BOTH, soft_targets),
    "logit_standardization": (BOTH, logit_standardization),
    "dkd": (PLAIN, dkd),
    "dist": (PLAIN, dist),
    "self_distillation": (PLAIN, self_distillation),
    "response": (PLAIN, response),
    "hint": (PLAIN, hint),
    "attention_transfer": (BOTH, attention_transfer),
    "channel_attention": (PLAIN, channel_attention),
    "similarity_preserving": (PLAIN, similarity_preserving),
    "rkd_distance": (BOTH, rkd_distance),
    "rkd_angle": (BOTH, rkd_angle),
    "pkt": (BOTH, pkt),
    "vid": (BOTH, vid),
    "nst": (PLAIN, nst),
    "crd": (BOTH, crd),
}
ORACLES |= FEATURES


def with_golden(id: str) -> tuple[str, Callable[[], Pairs]]:
    """The golden values first, where there are any."""
    reference, compare = ORACLES[id]
    return f"golden values; {reference}", lambda: GOLDEN[id] + compare()


ORACLES |= {id: with_golden(id) for id in GOLDEN}


def difference(pairs: Pairs) -> float:
    """The largest relative difference."""
    return max(abs(float(ours) - float(wanted)) / abs(float(wanted)) for ours, wanted in pairs)
