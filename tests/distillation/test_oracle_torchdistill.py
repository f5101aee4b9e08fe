"""Every method against something that shares no code with it: see `oracles.py`."""

import pytest
import torch
from oracles import ORACLES, difference, draw, library
from torchdistill.losses import mid_level

from kdexplorer.distillation import METHODS, dist_loss, similarity_preserving_loss


@pytest.mark.parametrize("id", ORACLES)
def test_equal_to_the_reference(id):
    reference, compare = ORACLES[id]
    assert reference
    pairs = compare()
    assert all(float(wanted) != 0 for _, wanted in pairs)
    assert difference(pairs) < 1e-9


def test_every_method_has_an_oracle():
    assert {spec.id for spec in METHODS} == set(ORACLES)


def test_dist_is_the_librarys_but_for_where_epsilon_stands():
    """The library clamps the norms where the authors add ε to them."""
    s, t = draw(6, 7, seed=3)
    theirs = library(mid_level.DISTLoss, s, t, "x", "output", "x", "output", 2.0, 0.5, 4.0)
    assert dist_loss(s, t, 2.0, 0.5, 4.0).item() == pytest.approx(theirs.item(), rel=1e-6)


def test_similarity_preserving_is_not_the_librarys():
    """The library divides the rows by their L1 norm; the paper's is L2."""
    s, t = draw(5, 6, 3, 3, seed=8)
    theirs = library(mid_level.SPKDLoss, s, t, "x", "x", "batchmean")
    rows = [torch.nn.functional.normalize(x.flatten(1) @ x.flatten(1).T, p=1, dim=1) for x in (s, t)]
    assert theirs.item() == pytest.approx(float((rows[0] - rows[1]).norm() ** 2) / 25, rel=1e-9)
    assert similarity_preserving_loss(s, t).item() > 1.5 * theirs.item()
