from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

from kdexplorer.config import Augmentation
from kdexplorer.data import AUGMENTATIONS, SOURCES
from kdexplorer.data.affine import turn_and_scale
from kdexplorer.data.pipeline import augment
from kdexplorer.params import ConfigError

IDS = [spec.id for spec in AUGMENTATIONS]
MIXING = {"mixup", "cutmix"}
STRENGTH_MATTERS = sorted(set(IDS) - {"flip"})


def batch(channels: int = 3, side: int = 32, count: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    crops = SOURCES["photos"].load({}, ()).draw(count, side, torch.Generator().manual_seed(0))
    labels = F.one_hot(torch.arange(count) % 5, 5).float()
    return crops[:, :channels].contiguous(), labels


def run(
    id: str, images: torch.Tensor, labels: torch.Tensor | None, *, seed: int = 0, **how: float
) -> tuple[torch.Tensor, torch.Tensor | None]:
    chosen = Augmentation.model_validate({"id": id, "probability": 1.0, "strength": 1.0, **how})
    return augment(images, labels, (chosen,), torch.Generator().manual_seed(seed))


def test_the_ten_are_there() -> None:
    assert set(IDS) == {
        "flip", "rotate", "crop", "scale", "color_jitter", "blur", "noise", "cutout", "mixup", "cutmix",
    }  # fmt: skip


@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("id", IDS)
def test_keeps_shape_type_range_and_the_labels_a_distribution(id: str, channels: int, side: int) -> None:
    images, labels = batch(channels, side)
    before, state = images.clone(), torch.get_rng_state()
    made, mixed = run(id, images, labels)
    assert made.shape == images.shape
    assert made.dtype == torch.float32
    assert made.min() >= 0
    assert made.max() <= 1
    assert not torch.equal(made, images)
    assert mixed is not None
    torch.testing.assert_close(mixed.sum(dim=1), torch.ones(len(labels)))
    assert mixed.min() >= 0
    assert torch.equal(mixed, labels) == (id not in MIXING)
    assert torch.equal(images, before)  # nothing in place
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("id", IDS)
def test_works_without_labels(id: str) -> None:
    images, _ = batch()
    made, labels = run(id, images, None)
    assert made.shape == images.shape
    assert labels is None


@pytest.mark.parametrize("id", IDS)
def test_same_generator_same_result(id: str) -> None:
    images, labels = batch()
    assert torch.equal(
        run(id, images, labels, seed=1, probability=0.5)[0],
        run(id, images, labels, seed=1, probability=0.5)[0],
    )
    assert not torch.equal(
        run(id, images, labels, seed=1, probability=0.5)[0],
        run(id, images, labels, seed=2, probability=0.5)[0],
    )


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("labelled", [True, False])
def test_probability_zero_changes_nothing(id: str, labelled: bool) -> None:
    images, labels = batch()
    made, mixed = run(id, images, labels if labelled else None, probability=0)
    assert torch.equal(made, images)
    assert mixed is None or torch.equal(mixed, labels)


@pytest.mark.parametrize("id", IDS)
def test_each_image_is_chosen_on_its_own(id: str) -> None:
    images, labels = batch(count=200)
    made, _ = run(id, images, labels, probability=0.5)
    changed = (made != images).flatten(1).any(dim=1).float().mean()
    assert 0.3 < changed < 0.65


@pytest.mark.parametrize("id", STRENGTH_MATTERS)
def test_stronger_changes_more(id: str) -> None:
    images, labels = batch(count=100)
    changes = [(run(id, images, labels, strength=s)[0] - images).abs().mean() for s in (0, 0.25, 1)]
    assert changes[0] < 0.002
    assert changes[0] < changes[1] < changes[2]


def test_flip_mirrors() -> None:
    images, labels = batch()
    assert torch.equal(run("flip", images, labels)[0], images.flip(3))
    both = Augmentation(id="flip", probability=1.0, params={"vertical": True})
    assert torch.equal(augment(images, None, (both,), torch.Generator())[0], images.flip(3).flip(2))


def test_restoration_turns_by_quarters_only() -> None:
    images, _ = batch(count=60)
    made, _ = run("rotate", images, None)
    turns = torch.stack([(made == images.rot90(k, (2, 3))).flatten(1).all(dim=1) for k in range(4)])
    assert turns[1:].any(dim=0).all()
    assert (turns[1:].sum(dim=1) > 8).all()


def test_turning_and_scaling_are_about_the_centre() -> None:
    images, _ = batch(side=33)
    quarter = torch.full((len(images),), math.pi / 2)
    one = torch.ones_like(quarter)
    torch.testing.assert_close(
        turn_and_scale(images, quarter, one), images.rot90(1, (2, 3)), atol=1e-4, rtol=0
    )
    ball = torch.zeros(1, 1, 65, 65)
    ball[:, :, 24:41, 24:41] = 1
    doubled = turn_and_scale(ball, torch.zeros(1), torch.full((1,), 2.0))
    assert doubled.sum().item() == pytest.approx(4 * 17**2, rel=0.01)
    assert (doubled - doubled.flip(3)).abs().max() < 1e-5


def test_blur_equals_scipy() -> None:
    images, _ = batch(count=4)
    spec = AUGMENTATIONS["blur"]
    sigma = torch.tensor([0.3, 0.8, 1.3, 1.9])
    made, _ = spec.apply(images, None, {"chosen": torch.ones(4, dtype=torch.bool), "sigma": sigma})
    for image, blurred, width in zip(images, made, sigma.tolist(), strict=True):
        for plane, result in zip(image.numpy(), blurred.numpy(), strict=True):
            oracle = gaussian_filter(plane.astype("f8"), width, mode="mirror", radius=6)
            assert abs(result - oracle).max() < 1e-5


def test_crop_shifts_and_lets_black_in() -> None:
    images, labels = batch(count=50)
    spec = AUGMENTATIONS["crop"]
    shift = torch.tensor([[8, -3]]).expand(50, 2)
    made, _ = spec.apply(images, labels, {"shift": shift})
    assert torch.equal(made[:, :, :24, 3:], images[:, :, 8:, :29])
    assert made[:, :, 24:].max() == 0
    assert made[:, :, :, :3].max() == 0


def test_cutout_hides_a_square_of_its_size() -> None:
    images, labels = batch(count=50, side=40)
    made, _ = run("cutout", images, labels)
    hidden = (made != images).any(dim=1).flatten(1).float().sum(dim=1)
    assert hidden.max() == 24**2  # 60 % of 40
    assert hidden.min() >= 12**2 * 0.9  # centred in a corner


def test_mixup_mixes_images_and_labels_alike() -> None:
    images, labels = batch()
    spec = AUGMENTATIONS["mixup"]
    sampled = spec.sample(images.shape, 1.0, 1.0, {}, torch.Generator().manual_seed(0))
    made, mixed = spec.apply(images, labels, sampled)
    share, partner = sampled["share"], sampled["partner"]
    assert share.max() <= 0.5
    for i in range(len(images)):
        torch.testing.assert_close(made[i], torch.lerp(images[i], images[partner[i]], share[i]))
        assert mixed is not None
        torch.testing.assert_close(mixed[i], torch.lerp(labels[i], labels[partner[i]], share[i]))


def test_cutmix_labels_follow_the_area() -> None:
    images = torch.arange(24.0).view(24, 1, 1, 1).expand(24, 3, 32, 32) / 24
    labels = torch.eye(24)
    made, mixed = run("cutmix", images, labels)
    assert mixed is not None
    own = (made == images).float().mean(dim=(1, 2, 3))
    torch.testing.assert_close(mixed.diag(), own)
    assert (1 - own).max() <= 0.55
    assert (1 - own).mean() > 0.1


def test_they_run_in_order_and_check_their_parameters() -> None:
    images, labels = batch()
    two = (Augmentation(id="flip", probability=1.0), Augmentation(id="cutout", probability=1.0, strength=1.0))
    made, _ = augment(images, labels, two, torch.Generator().manual_seed(0))
    rest = made != 0.5
    assert torch.equal(made[rest], images.flip(3)[rest])
    with pytest.raises(ConfigError, match="no parameter"):
        augment(images, labels, (Augmentation(id="flip", params={"angle": 3}),), torch.Generator())
