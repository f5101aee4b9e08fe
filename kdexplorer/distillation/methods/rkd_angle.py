"""Relational distillation, angles: three images form the triangle that they form for the teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.data.draws import generator
from kdexplorer.distillation.embedding import embedding, images_to_relate, some_features
from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals, full_precision
from kdexplorer.distillation.pairwise import centred_products, distances
from kdexplorer.params import Param


def angles(embeddings: Tensor, anchors: Tensor | None = None) -> Tensor:
    """Cosines at every anchor i between e_j − e_i and e_k − e_i: [B, D] → [anchors, B, B]; 0 where two are equal."""
    products = centred_products(embeddings)
    distance = distances(products)
    inverse = torch.where(distance > 0, 1 / torch.where(distance > 0, distance, 1.0), 0.0)
    squares = products.diagonal()
    from_anchor = products
    if anchors is not None:
        from_anchor, inverse, squares = products[anchors], inverse[anchors], squares[anchors]
    # (e_j − e_i)·(e_k − e_i) = jk − ij − ik + ii: the width D is gone before there are triples.
    corner = products - from_anchor[:, :, None] - (from_anchor - squares[:, None])[:, None, :]
    return corner * inverse[:, :, None] * inverse[:, None, :]


def rkd_angle_loss(
    student_embedding: Tensor, teacher_embedding: Tensor, anchors: Tensor | None = None
) -> Tensor:
    """Smooth L1 (δ = 1) of the cosines of all angles, mean over all B³ triples.

    Args:
        student_embedding, teacher_embedding: [B, D], B ≥ 3; D may differ.
        anchors: int64 [A], the images at whose corner angles are taken; None: all.

    Paper: Park et al., "Relational Knowledge Distillation", arXiv 1904.05068.
    """
    student = angles(full_precision(student_embedding), anchors)
    return F.smooth_l1_loss(student, angles(full_precision(teacher_embedding), anchors))


def _loss(signals: Signals, params: Mapping[str, Any], _: nn.Module | None) -> Tensor:
    output = signals.student_output
    anchors = None
    if params["anchors"] < len(output):
        random = generator(output.device, "rkd_angle", signals.seed)
        anchors = torch.randperm(len(output), generator=random, device=output.device)[: params["anchors"]]
    losses = [rkd_angle_loss(embedding(s), embedding(t), anchors) for s, t in signals.features]
    return torch.stack(losses).sum()


def _memory(pair: Pair, params: Mapping[str, Any]) -> int:
    triples: int = min(params["anchors"], pair.batch) * pair.batch**2
    return 4 * 10 * triples * len(pair.features)


METHODS.add(
    MethodSpec(
        id="rkd_angle",
        title="RKD angle",
        order=42,
        summary="Matches the angles between triples of images in feature space.",
        matches="angles between images",
        knowledge="relations",
        paper="1904.05068",
        params=(
            Param(
                name="anchors", default=64, minimum=1, maximum=1024, advanced=True,
                help="At most so many images, drawn anew at every step, serve as corners; all B³ angles cost memory.",
            ),
        ),
        default_weight=50.0,
        restoration_weight=0.006,
        formula=r"\frac{1}{B^3}\sum_{i,j,k} \ell_\delta\left(\cos\angle s_j s_i s_k,\ \cos\angle t_j t_i t_k\right)",
        layers="last",
        loss=_loss,
        fits=lambda pair: some_features(pair) or images_to_relate(pair, 3),
        memory=_memory,
    )
)  # fmt: skip
