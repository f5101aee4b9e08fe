"""Restoration methods: contrasts and their encoder, code books, upcycled data, the gate."""

from dataclasses import replace

import pytest
import torch
from derivations_features import contrast, distribution_mapping
from stand_ins import stand_in

from kdexplorer.config import NetworkConfig
from kdexplorer.distillation import (
    METHODS,
    Pair,
    Signals,
    contrastive_regularization_loss,
    distribution_mapping_loss,
    gated_response_loss,
    image_contrastive_loss,
    zoom_in_loss,
    zoom_out_loss,
)
from kdexplorer.distillation.image_encoder import VGG19_FILE, feature_bytes, random_encoder, vgg19_encoder
from kdexplorer.distillation.invertible import OPERATIONS, Augmentation
from kdexplorer.models.build import build_network
from kdexplorer.models.spec import ModelIO
from kdexplorer.params import ConfigError

IMAGE = (3, 16, 16)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def levels(seed: int, factor: float = 1.0) -> list[torch.Tensor]:
    return [factor * draw(2, 3, 5 - i, 5 - i, seed=10 * seed + i) for i in range(5)]


def test_contrastive_regularization_is_the_formula():
    anchor, positive, *negatives = [levels(seed) for seed in range(7)]
    nested = [[level.tolist() for level in each] for each in (anchor, positive, *negatives)]
    ours = contrastive_regularization_loss(anchor, positive, negatives)
    assert ours.item() == pytest.approx(contrast(nested[0], nested[1], nested[2:]), rel=1e-9)


def test_contrast_is_blind_to_scale_and_its_gradient_flows_through_both_parts():
    anchor, positive, *negatives = [levels(seed) for seed in range(4)]
    for level in anchor:
        level.requires_grad_()
    loss = contrastive_regularization_loss(anchor, positive, negatives)
    scaled = [[5 * x for x in each] for each in (anchor, positive, *negatives)]
    assert contrastive_regularization_loss(scaled[0], scaled[1], scaled[2:]).item() == pytest.approx(
        loss.item(), rel=1e-6
    )
    assert contrastive_regularization_loss(positive, positive, negatives).item() == 0
    both = torch.autograd.grad(loss, anchor)
    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    for level, gradient, weight in zip(range(5), both, weights, strict=True):
        far = sum((anchor[level] - n[level]).abs().mean() for n in negatives).detach() + 1e-7
        near = weight * (anchor[level] - positive[level]).abs().mean() / far
        [above] = torch.autograd.grad(near, anchor[level])
        assert above.norm() > 0
        assert (gradient - above).norm() > 1e-3 * above.norm()


@pytest.mark.parametrize("loss", [contrastive_regularization_loss, image_contrastive_loss])
def test_contrast_refuses_what_it_cannot_compare(loss):
    with pytest.raises(ValueError, match="at least one negative"):
        loss(levels(0), levels(1), [])
    with pytest.raises(ValueError, match="as many levels"):
        loss(levels(0)[:3], levels(1)[:3], [levels(2)])


def test_contrast_stays_finite_in_half_precision_and_where_a_negative_is_the_student():
    half = [[x.half() for x in levels(seed, 1e4)] for seed in range(3)]
    assert torch.isfinite(contrastive_regularization_loss(half[0], half[1], half[2:]))
    anchor = [x.float().requires_grad_() for x in levels(0)]
    loss = contrastive_regularization_loss(anchor, levels(1), [anchor])
    loss.backward()
    assert torch.isfinite(loss)


def test_distribution_mapping_is_the_formula():
    s, t, words = draw(2, 4, 3, 2), draw(2, 4, 3, 2, seed=1), draw(7, 4, seed=2)
    wanted = distribution_mapping(s.tolist(), t.tolist(), words.tolist())
    assert distribution_mapping_loss(s, t, words).item() == pytest.approx(wanted, rel=1e-9)


def test_distribution_mapping_keeps_the_whole_gradient():
    """d/ds of a cross-entropy of log-probabilities is (C_s − C_t)·2e; a second softmax would flatten it."""
    s, t, words = draw(1, 4, 1, 1).requires_grad_(), draw(1, 4, 1, 1, seed=1), draw(7, 4, seed=2)
    distribution_mapping_loss(s, t, words).backward()

    def shares(z):
        return torch.softmax(-(z.view(1, 4) - words).square().sum(1), 0)

    wanted = (shares(s.detach()) - shares(t)) @ (2 * words)
    torch.testing.assert_close(s.grad.flatten(), wanted)
    same = t.clone().requires_grad_()
    distribution_mapping_loss(same, t, words).backward()
    torch.testing.assert_close(same.grad, torch.zeros_like(t))


def test_distribution_mapping_stays_finite_far_from_all_words():
    s, t, words = (
        draw(1, 4, 2, 2).mul(1e4).half(),
        draw(1, 4, 2, 2, seed=1).mul(1e4).half(),
        draw(7, 4).half(),
    )
    assert torch.isfinite(distribution_mapping_loss(s, t, words))


def test_random_encoder_is_always_the_same_and_no_checkpoint_holds_it():
    encoder = random_encoder(3)
    assert not encoder.state_dict()
    assert not list(encoder.parameters())
    images = draw(2, 3, 16, 16).sigmoid()
    features = encoder(images)
    assert [tuple(f.shape[1:]) for f in features] == [
        (16, 16, 16), (32, 8, 8), (64, 4, 4), (64, 2, 2), (64, 1, 1)
    ]  # fmt: skip
    assert all(torch.equal(a, b) for a, b in zip(features, random_encoder(3)(images), strict=True))
    assert all(0.01 < f.std() < 10 for f in features)
    assert 2 * 4 * sum(f[0].numel() for f in features) == feature_bytes("random", IMAGE)
    assert len(random_encoder(1)(images[:, :1])) == 5


def test_vgg19_is_torchvisions(tmp_path):
    """From a file as torchvision's: the five levels are what its own layers give."""
    from torchvision.models.vgg import cfgs, make_layers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = make_layers(cfgs["E"]).eval()
    torch.save(
        {f"features.{name}": value for name, value in layers.state_dict().items()}, tmp_path / VGG19_FILE
    )
    encoder = vgg19_encoder(3, tmp_path)
    images = draw(1, 3, 32, 32).sigmoid().float()
    x = (images - encoder.mean) / encoder.std
    wanted = []
    with torch.no_grad():
        for index, layer in enumerate(layers):
            x = layer(x)
            if index in (1, 6, 11, 20, 29):
                wanted.append(x.clone())
    for found, level in zip(encoder(images), wanted, strict=True):
        torch.testing.assert_close(found, level)
    gray = images[:, :1]
    torch.testing.assert_close(vgg19_encoder(1, tmp_path)(gray), encoder(gray.expand(-1, 3, -1, -1)))


def test_vgg19_says_what_is_missing(tmp_path):
    with pytest.raises(ConfigError, match=f"put {VGG19_FILE} into"):
        vgg19_encoder(3, tmp_path)
    with pytest.raises(ConfigError, match="not 4 channels"):
        vgg19_encoder(4, tmp_path)
    (tmp_path / VGG19_FILE).write_bytes(b"not a file of tensors")
    with pytest.raises(ConfigError, match="damaged"):
        vgg19_encoder(3, tmp_path)
    torch.save(
        {"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)},
        tmp_path / VGG19_FILE,
    )
    with pytest.raises(ConfigError, match="other layers"):
        vgg19_encoder(3, tmp_path)


def test_images_are_held_against_the_other_inputs_and_never_their_own():
    """A student that gives back its enlarged input is not pushed from it: only neighbours are negatives."""
    method = METHODS["image_contrastive"]
    given = stand_in(method, dtype=torch.float64, batch=2)
    params = method.check({})
    encoder = method.learnable(given.pair, params)
    far = torch.nn.functional.interpolate(given.signals.input, scale_factor=2, mode="bicubic", antialias=True)
    for output, swapped in ((far, False), (far.flip(0), True)):
        signals = replace(given.signals, student_output=output)
        assert (method.loss(signals, params, encoder).item() > 1e3) is swapped


def test_augmentations_are_undone_in_reverse_order():
    images = draw(16, 3, 6, 6)
    draws = torch.Generator().manual_seed(0)
    augmentation = Augmentation.draw(16, 0.5, draws)
    changed = augmentation.apply(images)
    assert all(augmentation.chosen.any(1)) and not augmentation.chosen.all()  # noqa: PT018
    assert not torch.equal(changed, images)
    torch.testing.assert_close(augmentation.undo(changed), images)
    # forwards again is another thing: a flip and a transposition do not commute
    assert (augmentation.apply(changed) - images).abs().max() > 0.1
    everything = Augmentation(torch.ones(len(OPERATIONS), 16, dtype=torch.bool))
    wide = draw(16, 3, 4, 6)
    assert everything.apply(wide).shape == wide.shape
    torch.testing.assert_close(everything.undo(everything.apply(wide)), wide)


def test_upcycling_with_real_networks_reaches_the_student_alone():
    io = ModelIO(3, 0, 2)
    student, teacher = (build_network(NetworkConfig(id="espcn"), io, seed=seed).module for seed in (0, 1))
    with torch.no_grad():  # fresh networks enlarge bicubically, and their inner layers have no gradient yet
        for i, p in enumerate([*student.parameters(), *teacher.parameters()]):
            p.add_(0.05 * draw(*p.shape, seed=i))
    clean = draw(2, 3, 32, 32).sigmoid().float()
    image = torch.nn.functional.avg_pool2d(clean, 2)
    method = METHODS["data_upcycling"]
    output = student(image)
    signals = Signals(output, output, (), clean, image, seed=1, student=student, teacher=teacher)
    losses = {
        zoom_out: method.loss(signals, {"probability": 0.3, "zoom_out": zoom_out}, None)
        for zoom_out in (True, False)
    }
    assert losses[True] > losses[False] > 0
    losses[True].backward()
    assert all(p.grad is not None and p.grad.norm() > 0 for p in student.parameters())
    assert all(p.grad is None for p in teacher.parameters())
    again = method.loss(signals, method.check({}), None)
    assert torch.equal(again, losses[True])
    assert not torch.equal(method.loss(replace(signals, seed=2), method.check({}), None), again)


def test_upcycling_is_zero_where_nothing_differs():
    def network(x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")

    nothing = Augmentation(torch.zeros(len(OPERATIONS), 2, dtype=torch.bool))
    assert zoom_in_loss(network, network, draw(2, 3, 7, 5).sigmoid(), nothing).item() == 0
    flat = torch.full((2, 3, 7, 5), 0.25)  # odd sides: what is over is cut off
    assert zoom_out_loss(network, network, flat, 2).item() == pytest.approx(0, abs=1e-6)


def test_the_gate_opens_only_where_the_teacher_is_better():
    target = torch.zeros(1, 1, 1, 4)
    student = torch.tensor([[[[3.0, 1.0, -2.0, 1.0]]]]).requires_grad_()
    teacher = torch.tensor([[[[1.0, 2.0, 1.0, 1.0]]]])
    loss = gated_response_loss(student, teacher, target)
    assert loss.item() == pytest.approx((2 + 3) / 4)
    loss.backward()
    assert student.grad.flatten().tolist() == [0.25, 0, -0.25, 0]
    assert gated_response_loss(student, teacher, target, "image").item() == pytest.approx((2 + 1 + 3 + 0) / 4)
    assert gated_response_loss(teacher * 0.5, teacher, target).item() == 0
    with pytest.raises(ValueError, match="'pixel' or 'image'"):
        gated_response_loss(student, teacher, target, "channel")


def test_what_does_not_fit_says_why():
    logits, small = Pair((5,), (5,)), Pair((3, 8, 8), (3, 16, 16))
    for id in ("gated_response", "image_contrastive", "data_upcycling"):
        assert "compares images" in METHODS[id].fits(logits)
        assert "another size" in METHODS[id].fits(small)
    assert "batch of at least 2" in METHODS["image_contrastive"].fits(Pair(IMAGE, IMAGE, batch=1))
    assert "choose super-resolution" in METHODS["data_upcycling"].fits(Pair(IMAGE, IMAGE))
    assert "larger training patch" in METHODS["data_upcycling"].fits(Pair((3, 15, 15), (3, 15, 15), scale=4))
    assert METHODS["data_upcycling"].fits(Pair(IMAGE, IMAGE, scale=4)) is None
