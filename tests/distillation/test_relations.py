"""Relations between images and between channels: invariances, and CRD's memory."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from kdexplorer.distillation import (
    METHODS,
    Pair,
    Signals,
    channel_attention_loss,
    nst_loss,
    pkt_loss,
    rkd_angle_loss,
    rkd_distance_loss,
    similarity_preserving_loss,
    vid_loss,
)
from kdexplorer.distillation.embedding import embedding
from kdexplorer.distillation.methods.crd import Contrast, draw_negatives
from kdexplorer.distillation.methods.nst import mean_kernel, second_moment
from kdexplorer.distillation.methods.vid import Regressor

RELATIONS = [similarity_preserving_loss, rkd_distance_loss, rkd_angle_loss, pkt_loss]


def points(count=6, width=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, count, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("loss", RELATIONS)
def test_relations_are_blind_to_rotation_and_scale(loss):
    student, teacher = points()
    rotation = torch.linalg.qr(points(9, 9, seed=1)[0]).Q
    assert loss(student @ rotation * 3, teacher).item() == pytest.approx(
        loss(student, teacher).item(), rel=1e-5
    )
    assert loss(teacher @ rotation * 3, teacher).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("loss", [rkd_distance_loss, rkd_angle_loss])
def test_rkd_is_blind_to_where_the_origin_is(loss):
    student, teacher = points()
    assert loss(student + 100, teacher).item() == pytest.approx(loss(student, teacher).item(), rel=1e-9)


def test_small_distances_far_from_the_origin_survive_float32():
    """|a|² + |b|² − 2ab would lose them: here both are near 1e7."""
    student, teacher = points()
    near = rkd_distance_loss((student + 1000).float(), teacher.float()).item()
    assert near == pytest.approx(rkd_distance_loss(student, teacher).item(), rel=1e-2)


@pytest.mark.parametrize("loss", RELATIONS)
def test_equal_images_have_a_finite_gradient(loss):
    """Distances of 0, directions of length 0: the reference divides by a clamp of 1e-12, gradients explode."""
    student, teacher = points()
    student[1] = student[0]
    for given in (student, torch.zeros_like(student)):
        given = given.float().requires_grad_()
        loss(given, teacher.float()).backward()
        assert given.grad.norm() < 100


def test_anchors_are_a_part_of_all_angles():
    student, teacher = points()
    each = [rkd_angle_loss(student, teacher, torch.tensor([i])).item() for i in range(6)]
    assert rkd_angle_loss(student, teacher).item() == pytest.approx(sum(each) / 6, rel=1e-9)


def test_sampled_anchors_follow_the_seed():
    spec = METHODS["rkd_angle"]
    student, teacher = points(12)

    def value(seed, **params):
        signals = Signals(student, teacher, ((student, teacher),), seed=seed)
        return spec.loss(signals, spec.check(params), None).item()

    assert value(0, anchors=4) == value(0, anchors=4) != value(1, anchors=4)
    assert value(0, anchors=12) == rkd_angle_loss(student, teacher).item()
    bounded = Pair((5,), (5,), (((8,), (8,)),), batch=1000)
    assert spec.memory(bounded, {"anchors": 64}) <= 64 * 1000**2 * 4 * 10
    assert spec.memory(bounded, {"anchors": 64}) < spec.memory(bounded, {"anchors": 512})


def test_embeddings_are_means_over_places():
    maps = points(4, 3 * 5 * 2)[0].view(4, 3, 5, 2)
    tokens = maps.flatten(2).transpose(1, 2)
    assert torch.allclose(embedding(maps), embedding(tokens))
    assert torch.allclose(embedding(maps), maps.flatten(2).mean(2))
    assert torch.equal(embedding(embedding(maps)), embedding(maps))


def test_channels_of_the_student_may_stand_in_any_order():
    student, teacher = (x.view(3, 6, 3, 3) for x in points(3, 54))
    order = torch.tensor([3, 1, 0, 5, 4, 2])
    assert nst_loss(student[:, order], teacher).item() == pytest.approx(
        nst_loss(student, teacher).item(), rel=1e-9
    )
    assert nst_loss(teacher[:, order], teacher).item() == pytest.approx(0, abs=1e-12)


def test_second_moments_give_the_kernels_mean():
    a, b = points(2, 40, seed=2).view(2, 2, 10, 4)
    through_moments = (second_moment(a) * second_moment(b)).sum(dim=(1, 2))
    assert torch.allclose(mean_kernel(a, b), through_moments, rtol=1e-12)


def test_channel_attention_sees_means_only():
    student, teacher = (x.view(4, 6, 3, 3) for x in points(4, 54))
    shuffled = student.flatten(2)[:, :, torch.randperm(9, generator=torch.Generator().manual_seed(0))]
    loss = channel_attention_loss(student, teacher).item()
    assert channel_attention_loss(shuffled.view_as(student), teacher).item() == pytest.approx(loss, rel=1e-9)
    spec = METHODS["channel_attention"]
    alike = Pair((5,), (5,), (((6, 3, 3), (6, 3, 3)),))
    assert not list(spec.learnable(alike, {}).parameters())  # nothing to project
    assert list(spec.learnable(replace(alike, features=(((4, 3, 3), (6, 3, 3)),)), {}).parameters())


def test_vid_starts_at_variance_5_and_finds_the_best_one():
    regressor = Regressor(3, 4, 5.0)
    mean, variance = regressor(torch.rand(2, 3, 5, 5))
    assert mean.shape == (2, 4, 5, 5)
    assert torch.allclose(variance, torch.tensor(5.0))
    error = points(2, 36)[0].view(2, 1, 6, 6)
    best = error.square().mean().reshape(1)  # of a Gaussian: the mean square error
    losses = [vid_loss(error, torch.zeros_like(error), best * factor).item() for factor in (0.9, 1.0, 1.1)]
    assert losses[1] == min(losses)


def contrast(samples=20, **changes):
    torch.manual_seed(0)
    return Contrast(9, 9, samples, 8), {"negatives": 16384, "temperature": 0.07, "momentum": 0.5, **changes}


def test_negatives_never_hold_the_positive_and_follow_the_seed():
    index = torch.tensor([0, 7, 19])

    def draw(seed, negatives):
        return draw_negatives(index, 20, negatives, torch.Generator().manual_seed(seed))

    for negatives in (5, 18, 19, 16384):
        times = draw(0, negatives)
        assert times.sum(1).tolist() == [min(negatives, 19)] * 3
        assert times[range(3), index].tolist() == [0, 0, 0]
    assert torch.equal(draw(0, 5), draw(0, 5))
    assert not torch.equal(draw(0, 5), draw(1, 5))
    often = sum(draw(seed, 10) for seed in range(400))
    wanted = torch.full((3, 20), 400 * 10 / 19)
    wanted[range(3), index] = 0
    assert torch.allclose(often, wanted, atol=6 * math.sqrt(400 * 10 / 19))


def test_memory_moves_towards_what_was_seen_and_stays_on_the_sphere():
    module, params = contrast()
    index = torch.tensor([3, 5, 3])  # one image twice
    student, teacher = points(3).float()
    before = module.student_memory.clone()
    module(student, teacher, index, params, 0).backward()
    seen = F.normalize(module.student(student), dim=1).detach()
    moved = F.normalize(0.5 * before[3] + 0.5 * (seen[0] + seen[2]) / 2, dim=0)
    assert torch.allclose(module.student_memory[3], moved, atol=1e-6)
    others = [i for i in range(20) if i not in (3, 5)]
    assert torch.equal(module.student_memory[others], before[others])
    assert not module.student_memory.requires_grad


def test_memory_and_normalizers_are_buffers_that_stay():
    module, params = contrast()
    index = torch.tensor([3, 5, 8])
    first, second = points(3).float(), points(3, seed=1).float()
    module(*first, index, params, 0)
    constant = module.student_normalizer.clone()
    assert constant > 0
    restored, _ = contrast()
    restored.load_state_dict(module.state_dict())
    results = [m(*second, index, params, 1).detach() for m in (module, restored)]
    assert torch.equal(*results)
    assert torch.equal(module.student_normalizer, constant)
    assert torch.equal(restored.student_normalizer, constant)
    assert torch.equal(module.teacher_memory, restored.teacher_memory)
    names = {name for name, _ in module.named_buffers()}
    assert names == {"student_memory", "teacher_memory", "student_normalizer", "teacher_normalizer"}


def test_contrast_tells_images_apart():
    """Trained on its own, the loss brings both views of an image together."""
    module, params = contrast(samples=6)
    student, teacher = points().float()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for step in range(60):
        loss = module(student, teacher, torch.arange(6), params, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    similar = F.normalize(module.student(student), dim=1) @ F.normalize(module.teacher(teacher), dim=1).T
    assert torch.equal(similar.argmax(dim=1), torch.arange(6))


def test_crds_memory_is_bounded_by_the_data():
    spec, shapes = METHODS["crd"], (((64, 8, 8), (64, 8, 8)),)
    pair = Pair((5,), (5,), shapes, batch=64, samples=1000)
    few = spec.memory(pair, spec.check({}))
    assert few == spec.memory(pair, spec.check({"negatives": 65536}))
    copies = 64 * 16384 * 128 * 4  # every image's negatives, as the reference keeps them
    assert spec.memory(replace(pair, samples=50_000), spec.check({})) < 2 * copies
    module = spec.learnable(pair, spec.check({}))
    assert sum(b.numel() for b in module.buffers()) == 2 * 1000 * 128 + 2
