"""References for features, tokens and images: see `oracles.py`."""

from collections.abc import Callable
from typing import Any

import derivations_features as plain
import torch
from torch import Tensor
from torchdistill.losses.mid_level import HierarchicalContextLoss
from torchdistill.models.wrapper import AttentionBasedFusion

from kdexplorer.data.draws import generator
from kdexplorer.distillation import (
    METHODS,
    Pair,
    Signals,
    artifact_attention_loss,
    channel_wise_loss,
    contrastive_regularization_loss,
    distribution_mapping_loss,
    feature_affinity_loss,
    gated_response_loss,
    hierarchical_context_loss,
    image_contrastive_loss,
    masked_generative_loss,
    multi_scale_loss,
    token_attention_loss,
    token_value_loss,
    zoom_in_loss,
    zoom_out_loss,
)
from kdexplorer.distillation.invertible import Augmentation
from kdexplorer.distillation.methods.mgd import keep_mask
from kdexplorer.distillation.methods.token_attention import attention_scores

Pairs = list[tuple[Tensor, Tensor | float]]
LIBRARY = "torchdistill 1.1.5"
PLAIN = "derivation in plain Python"
NO_LOGITS = torch.zeros(2, 3)


def draw(*shape: int, seed: int) -> Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def uniform(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def channel_wise() -> Pairs:
    s, t = draw(2, 3, 4, 5, seed=1), draw(2, 3, 4, 5, seed=2)
    return [
        (channel_wise_loss(s, t, temperature), plain.channel_wise(s.tolist(), t.tolist(), temperature))
        for temperature in (1.0, 4.0)
    ]


def review_kd() -> Pairs:
    found: Pairs = []
    for side in (8, 4, 2):
        s, t = draw(2, 3, side, side, seed=side), draw(2, 3, side, side, seed=side + 1)
        wanted = plain.hierarchical_context(s.tolist(), t.tolist())
        found.append((hierarchical_context_loss(s, t), wanted))
    return [*found, reviewed_by_the_library()]


def reviewed_by_the_library() -> tuple[Tensor, Tensor]:
    """Three levels of channels 3, 4, 5 and sides 8, 4, 2 against a teacher of twice the channels."""
    shapes = [((3, 8, 8), (6, 8, 8)), ((4, 4, 4), (8, 4, 4)), ((5, 2, 2), (10, 2, 2))]
    pair = Pair((3,), (3,), tuple(shapes), batch=2)
    method = METHODS["review_kd"]
    assert method.learnable
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fusion = method.learnable(pair, {}).double()
    features = [(draw(2, *s, seed=s[0]), draw(2, *t, seed=t[0])) for s, t in shapes]
    total, passed = torch.zeros(()), None
    compare = HierarchicalContextLoss("x", "output", "x", "output")
    for index in (2, 1, 0):
        (channels, side, _), (wide, _, _) = shapes[index]
        theirs = AttentionBasedFusion(channels, 5, wide, uses_attention=index < 2).double()
        theirs.load_state_dict(
            dict(zip(theirs.state_dict(), fusion.levels[index].state_dict().values(), strict=True))
        )
        output, passed = theirs(features[index][0], passed, side)
        total = total + compare({"x": {"output": (output, passed)}}, {"x": {"output": features[index][1]}})
    return method.loss(Signals(NO_LOGITS, NO_LOGITS, tuple(features)), {}, fusion).detach(), total.detach()


def mgd() -> Pairs:
    s, t = draw(2, 2, 4, 5, seed=3), draw(2, 3, 4, 5, seed=4)
    method = METHODS["mgd"]
    pair = Pair((3,), (3,), (((2, 4, 5), (3, 4, 5)),), batch=2)
    assert method.learnable
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        part = method.learnable(pair, {}).double()
    ours = method.loss(Signals(NO_LOGITS, NO_LOGITS, ((s, t),), seed=5), {"mask_ratio": 0.65}, part)
    [made] = part
    masked = made.align(s) * keep_mask(t, 0.65, generator("cpu", "mgd", 5))
    first, _, second = made.generate
    images = []
    for image in masked.tolist():
        inner = plain.convolved(image, first.weight.tolist(), first.bias.tolist())
        inner = [[[max(x, 0.0) for x in row] for row in rows] for rows in inner]
        images.append(plain.convolved(inner, second.weight.tolist(), second.bias.tolist()))
    return [
        (ours.detach(), plain.masked_generative(images, t.tolist())),
        (masked_generative_loss(t + 1, t), plain.masked_generative((t + 1).tolist(), t.tolist())),
    ]


def grad_cam_alignment() -> Pairs:
    """Behind the feature only a mean and a matrix: a channel's gradient is its weight over the positions."""
    s, t = draw(3, 4, 5, 6, seed=6).requires_grad_(), draw(3, 2, 5, 6, seed=7).requires_grad_()
    w_s, w_t = draw(4, 5, seed=8), draw(2, 5, seed=9)
    outputs = [f.mean(dim=(2, 3)) @ w for f, w in ((s, w_s), (t, w_t))]
    target = torch.tensor([1, 4, 0])
    ours = METHODS["grad_cam_alignment"].loss(Signals(*outputs, ((s, t),), target), {}, None)
    maps = [
        [
            plain.class_activation(image.tolist(), (w[:, y] / 30).tolist())
            for image, y in zip(f, target, strict=True)
        ]
        for f, w in ((s, w_s), (t, w_t))
    ]
    return [(ours.detach(), plain.grad_cam(*maps))]


def feature_affinity() -> Pairs:
    s, t = draw(2, 3, 4, 6, seed=10), draw(2, 5, 4, 6, seed=11)
    large, other = draw(2, 3, 8, 8, seed=12), draw(2, 5, 8, 8, seed=13)
    small = [[[plain.pooled(rows, 4) for rows in image] for image in x.tolist()] for x in (large, other)]
    return [
        (feature_affinity_loss(s, t), plain.feature_affinity(s.tolist(), t.tolist())),
        (feature_affinity_loss(large, other, 4), plain.feature_affinity(*small)),
    ]


def token_attention() -> Pairs:
    """Two images, five tokens; one head, and then two heads of the student against four of the teacher."""
    found: Pairs = []
    for own, theirs in ((1, 1), (2, 4)):
        rows, scores = [], []
        for heads, dim, seed in ((own, 6, 14), (theirs, 3, 15)):
            q, k = draw(2, heads, 5, dim, seed=seed), draw(2, heads, 5, dim, seed=seed + 5)
            scores.append(attention_scores(q, k))
            each = [[plain.attention_rows(*qk) for qk in zip(*image, strict=True)]
                    for image in zip(q.tolist(), k.tolist(), strict=True)]  # fmt: skip
            group = heads // own
            rows.append([plain.average(h[i : i + group]) for h in each for i in range(0, heads, group)])
        found.append((token_attention_loss(*scores), plain.mean_kl(*rows)))
    return found


def token_values() -> Pairs:
    """Two heads of six and three of four dimensions: one relation head of twelve."""
    found: Pairs = []
    for (own, inner), (theirs, outer) in (((2, 3), (2, 5)), ((2, 6), (3, 4))):
        s, t = draw(2, own, 5, inner, seed=16), draw(2, theirs, 5, outer, seed=17)
        relations = []
        for value in (s, t):
            groups = 2 if theirs == 2 else 1
            joined = torch.cat(list(value.unbind(1)), dim=-1).tolist()  # [B, N, heads · d]
            width = len(joined[0][0]) // groups
            relations.append([
                plain.attention_rows(*[[token[g * width : (g + 1) * width] for token in image]] * 2)
                for image in joined for g in range(groups)
            ])  # fmt: skip
        found.append((token_value_loss(s, t), plain.mean_kl(*relations)))
    return found


def levels(seed: int) -> list[Tensor]:
    return [draw(2, 3, 6 - i, 6 - i, seed=10 * seed + i) for i in range(5)]


def image_contrastive() -> Pairs:
    anchor, positive, *negatives = [levels(seed) for seed in range(5)]
    wanted = plain.contrast(*lists([anchor, positive]), lists(negatives))
    return [(image_contrastive_loss(anchor, positive, negatives), wanted)]


def contrastive_regularization() -> Pairs:
    anchor, positive, *negatives = [levels(seed) for seed in range(7)]
    wanted = plain.contrast(*lists([anchor, positive]), lists(negatives))
    return [(contrastive_regularization_loss(anchor, positive, negatives), wanted)]


def multi_scale() -> Pairs:
    s, t = ([draw(2, 3, 4, 5, seed=first + i) for i in range(3)] for first in (71, 81))
    weights = draw(2, 3, seed=91).softmax(dim=1)
    plain_s, plain_t = ([level.tolist() for level in each] for each in (s, t))
    return [
        (multi_scale_loss(s, t, weights, T), plain.multi_scale(plain_s, plain_t, weights.tolist(), T))
        for T in (1.0, 4.0)
    ]


def artifact_attention() -> Pairs:
    s, t, region = draw(2, 3, 4, 5, seed=92), draw(2, 6, 4, 5, seed=93), draw(2, 4, 5, seed=94).abs()
    wanted = plain.artifact_attention(s.tolist(), t.tolist(), region.tolist())
    return [(artifact_attention_loss(s, t, region), wanted)]


def distribution_mapping() -> Pairs:
    s, t, words = draw(2, 4, 3, 2, seed=61), draw(2, 4, 3, 2, seed=62), draw(6, 4, seed=63)
    wanted = plain.distribution_mapping(s.tolist(), t.tolist(), words.tolist())
    return [(distribution_mapping_loss(s, t, words), wanted)]


def lists(features: list[list[Tensor]]) -> list[list[Any]]:
    return [[level.tolist() for level in each] for each in features]


def enlarging(pattern: Tensor) -> Callable[[Tensor], Tensor]:
    """A network ×2 that is not the same in all places, so that the order of flips matters."""
    return lambda x: (
        x.repeat_interleave(2, -1).repeat_interleave(2, -2) * pattern[: 2 * x.shape[-2], : 2 * x.shape[-1]]
    )


def enlarged(rows: list[list[float]], pattern: Tensor) -> list[list[float]]:
    return [
        [rows[i // 2][j // 2] * float(pattern[i, j]) for j in range(2 * len(rows[0]))]
        for i in range(2 * len(rows))
    ]


def data_upcycling() -> Pairs:
    own, theirs = 1 + uniform(16, 16, seed=18), 1 + uniform(16, 16, seed=19)
    image = uniform(5, 1, 6, 6, seed=20)
    names = ("invert", "vertical", "horizontal", "transpose")
    chosen = torch.tensor([[1, 0, 1, 0, 1], [0, 1, 1, 0, 1], [0, 0, 1, 1, 0], [0, 1, 0, 1, 1]]).bool()
    inward, outward = [], []
    for index, [rows] in enumerate(image.tolist()):
        operations = [name for name, here in zip(names, chosen[:, index].tolist(), strict=True) if here]
        made = enlarged(plain.augmented(rows, operations), own)
        inward.append(plain.mean_absolute(enlarged(rows, theirs), plain.augmented(made, operations[::-1])))
        small = plain.shrunken(rows, 2)
        made, wanted = enlarged(small, own), enlarged(small, theirs)
        outward.append(5 * plain.mean_absolute(made, rows) + plain.mean_absolute(made, wanted))
    student, teacher = enlarging(own), enlarging(theirs)
    return [
        (zoom_in_loss(student, teacher, image, Augmentation(chosen)), sum(inward) / 5),
        (zoom_out_loss(student, teacher, image, 2), sum(outward) / 5),
    ]


def gated_response() -> Pairs:
    s, t, y = (uniform(3, 2, 4, 5, seed=seed) for seed in (21, 22, 23))
    return [
        (gated_response_loss(s, t, y, gate), plain.gated_response(s.tolist(), t.tolist(), y.tolist(), gate))
        for gate in ("pixel", "image")
    ]


ORACLES: dict[str, tuple[str, Callable[[], Pairs]]] = {
    "channel_wise": (PLAIN, channel_wise),
    "review_kd": (f"{LIBRARY}; {PLAIN}", review_kd),
    "mgd": (PLAIN, mgd),
    "grad_cam_alignment": (PLAIN, grad_cam_alignment),
    "feature_affinity": (PLAIN, feature_affinity),
    "token_attention": (PLAIN, token_attention),
    "token_values": (PLAIN, token_values),
    "image_contrastive": (PLAIN, image_contrastive),
    "multi_scale": (PLAIN, multi_scale),
    "artifact_attention": (PLAIN, artifact_attention),
    "contrastive_regularization": (PLAIN, contrastive_regularization),
    "distribution_mapping": (PLAIN, distribution_mapping),
    "data_upcycling": (PLAIN, data_upcycling),
    "gated_response": (PLAIN, gated_response),
}
