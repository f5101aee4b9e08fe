"""What happens to pairs of features before a method compares them: projectors and noise."""

from dataclasses import replace

import pytest
import torch

from kdexplorer.config import FeatureNoise, LayerPair, TermConfig
from kdexplorer.distillation import Pair, Signals
from kdexplorer.distillation.feature_noise import with_noise
from kdexplorer.distillation.projection import projected, projector
from kdexplorer.distillation.term import Term
from kdexplorer.params import ConfigError

SHAPES = [((4, 8, 8), (6, 4, 4)), ((9, 4), (16, 6)), ((4,), (6,))]
LAYERS = (LayerPair(student="a", teacher="b"), LayerPair(student="c", teacher="d"))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["conv", "conv_norm", "mlp"])
@pytest.mark.parametrize(("student", "teacher"), SHAPES)
def test_projectors_change_channels_only(kind, student, teacher):
    project = projector(kind, student, teacher)
    ((seen, _),) = projected(Pair((5,), (5,), ((student, teacher),))).features
    assert project(torch.randn(3, *student)).shape == (3, *seen)
    assert sum(p.numel() for p in project.parameters()) > 0


def term(**changes) -> tuple[Term, Signals]:
    pair = Pair((5,), (5,), (((4, 8, 8), (6, 8, 8)), ((4, 4, 4), (6, 4, 4))))
    built = Term(TermConfig(method="attention_transfer", **changes), LAYERS, pair)
    draw = seeded()
    features = tuple(
        (torch.randn(3, *s, generator=draw).requires_grad_(), torch.randn(3, *t, generator=draw))
        for s, t in pair.features
    )
    output = torch.zeros(3, 5)
    return built, Signals(output, output, features)


def test_a_projector_stands_before_any_method_and_is_trained():
    built, signals = term(projector="mlp")
    assert list(built.parts) == ["attention_transfer:projectors"]
    plain, _ = term()
    assert not plain.parts
    built.loss(signals, 0, 9).backward()
    parameters = list(built.parts["attention_transfer:projectors"].parameters())
    assert all(p.grad is not None for p in parameters)
    assert sum(float(p.grad.norm()) for p in parameters) > 0
    assert all(student.grad.norm() > 0 and teacher.grad is None for student, teacher in signals.features)


def test_a_projector_without_features_is_refused():
    with pytest.raises(ConfigError, match="no features to project"):
        Term(TermConfig(method="soft_targets", projector="conv"), (), Pair((5,), (5,)))


def test_a_mask_hides_the_same_places_in_both():
    student, teacher = torch.ones(2, 3, 8, 8), torch.ones(2, 5, 4, 4)
    a, b = with_noise(student, teacher, FeatureNoise(mask=0.5), seeded())
    assert torch.equal(a[:, 0, ::2, ::2], b[:, 0])
    assert torch.equal(a[:, 0], a[:, 2])
    assert 0 < float(b.mean()) < 1
    again = with_noise(student, teacher, FeatureNoise(mask=0.5), seeded())
    assert torch.equal(again[0], a)
    tokens = with_noise(torch.ones(2, 9, 3), torch.ones(2, 9, 5), FeatureNoise(mask=0.5), seeded())
    assert torch.equal(tokens[0][..., 0], tokens[1][..., 0])
    assert 0 < float(tokens[0].mean()) < 1


@pytest.mark.parametrize(("channels", "share"), [((6, 6), 1.0), ((4, 12), 1.0), ((6, 6), 0.5), ((3, 5), 1.0)])
def test_a_shuffle_moves_the_same_groups_of_channels(channels, share):
    student, teacher = (torch.arange(c).float().view(1, c, 1, 1).expand(2, c, 3, 3) for c in channels)
    a, b = with_noise(student, teacher, FeatureNoise(shuffle=share), seeded(3))
    assert a[0, :, 0, 0].sort().values.tolist() == list(range(channels[0]))
    groups = torch.gcd(*map(torch.tensor, channels)).item()
    moved = [x[0, :: x.shape[1] // groups, 0, 0] / (x.shape[1] // groups) for x in (a, b)]
    assert torch.equal(*moved)
    still = int((moved[0] == torch.arange(groups)).sum())
    assert still >= groups - round(share * groups)
    assert groups == 1 or still < groups


def test_noise_is_a_function_of_the_step_alone():
    built, signals = term(noise=FeatureNoise(mask=0.5, shuffle=1))
    one, same, other = (built.loss(replace(signals, seed=seed), 0, 9).detach() for seed in (1, 1, 2))
    assert one == same != other


def test_important_levels_weigh_more_and_equal_ones_alike():
    equal, signals = term()
    moving, _ = term(levels="importance")
    each = [float(equal.loss(replace(signals, features=(pair,)), 0, 9).detach()) for pair in signals.features]
    assert float(equal.loss(signals, 0, 9).detach()) == pytest.approx(sum(each))
    weights = [2 * value / sum(each) for value in each]
    expected = sum(w * value for w, value in zip(weights, each, strict=True))
    assert float(moving.loss(signals, 0, 9).detach()) == pytest.approx(expected)
    assert expected > sum(each)  # the level that is further away has gained
    alike = replace(signals, features=(signals.features[0],) * 2)
    fresh, _ = term(levels="importance")
    assert float(fresh.loss(alike, 0, 9).detach()) == pytest.approx(2 * each[0])


def test_levels_keep_a_learnable_part_each():
    pair = Pair((5,), (5,), (((4, 8, 8), (6, 8, 8)), ((4, 4, 4), (6, 4, 4))))
    built = Term(TermConfig(method="hint", levels="importance"), LAYERS, pair)
    assert list(built.parts) == ["hint:0", "hint:1", "hint:levels"]
