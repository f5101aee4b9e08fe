"""The fourteen traps that distillation code falls into, each through the code that runs: a test fails when one is back."""

import math
from functools import partial

import golden
import pytest
import torch
from safetensors.torch import load_file
from stand_ins import stand_in
from test_methods import learnable_part
from torch import nn

from kdexplorer.config import NetworkConfig, RunConfig
from kdexplorer.distillation import (
    METHODS,
    channel_wise_loss,
    dist_loss,
    dkd_loss,
    logit_standardization_loss,
    similarity_preserving_loss,
    soft_target_loss,
)
from kdexplorer.distillation.invertible import Augmentation
from kdexplorer.models import MODELS
from kdexplorer.models.build import build_network
from kdexplorer.models.spec import ModelIO
from kdexplorer.models.taps import Taps
from kdexplorer.params import ConfigError
from kdexplorer.training import fit
from kdexplorer.training.session import Session

RESPONSES = {
    "soft_targets": soft_target_loss,
    "logit_standardization": logit_standardization_loss,
    "dkd": lambda s, t, temperature: dkd_loss(
        s, t, golden.TARGET[: len(s)] % s.shape[1], 1.0, 8.0, temperature
    ),
    "dist": lambda s, t, temperature: dist_loss(s, t, 1.0, 1.0, temperature),
}


def config(*terms, augmentations=(), **training) -> RunConfig:
    """Six steps on digits with BatchNorm in both networks."""
    return RunConfig.from_dict(
        {
            "task": "classification",
            "data": {"source": {"id": "digits"}, "held_out": 40, "augmentations": [*augmentations]},
            "teacher": {"id": "cifar_resnet", "params": {"depth": 8, "width": 8}},
            "student": {"id": "cifar_resnet", "params": {"depth": 8, "width": 4}},
            "variants": [{"terms": [{"method": method} for method in terms]}],
            "training": {
                "steps": 6, "batch_size": 8, "log_every": 2, "evaluate_every": 6, "checkpoint_every": 6,
                "device": "cpu", "threads": 1, **training,
            },
        }
    )  # fmt: skip


def hooks(module: nn.Module) -> int:
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in module.modules()
    )


def test_1_the_batch_is_averaged_and_the_classes_are_summed():
    loss = soft_target_loss(golden.STUDENT_LOGITS, golden.TEACHER_LOGITS, 4.0).item()
    assert loss == pytest.approx(golden.SOFT_TARGETS_T4, rel=1e-9)
    assert loss == pytest.approx(
        5 * 0.8920016951487956, rel=1e-9
    )  # `mean`: as much smaller as there are classes
    twice = (torch.cat([x, x]) for x in (golden.STUDENT_LOGITS, golden.TEACHER_LOGITS))
    assert soft_target_loss(*twice, 4.0).item() == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("id", ["soft_targets", "dkd", "dist"])
def test_2_temperature_squared_and_on_both_branches(id):
    """L(T·z_s, T·z_t; T) = T² · L(z_s, z_t; 1) holds only if both are divided by T, and T² stands before."""
    student, teacher = golden.STUDENT_LOGITS, golden.TEACHER_LOGITS
    for temperature in (0.5, 4.0):
        scaled = RESPONSES[id](temperature * student, temperature * teacher, temperature).item()
        assert scaled == pytest.approx(temperature**2 * RESPONSES[id](student, teacher, 1.0).item(), rel=1e-6)


def test_2_temperature_squared_of_maps_and_of_standardized_logits():
    student, teacher = golden.STUDENT_FEATURE, golden.TEACHER_FEATURE
    scaled = channel_wise_loss(4 * student, 4 * teacher, 4.0).item()
    assert scaled == pytest.approx(16 * channel_wise_loss(student, teacher, 1.0).item(), rel=1e-9)
    # Standardized logits cannot be scaled: at high T the loss tends to a constant, not to 0 or infinity.
    s, t = golden.STUDENT_LOGITS, golden.TEACHER_LOGITS
    limit = [logit_standardization_loss(s, t, temperature).item() for temperature in (200.0, 400.0)]
    assert limit[0] == pytest.approx(limit[1], rel=1e-2)
    assert logit_standardization_loss(t, t, 4.0).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("id", RESPONSES)
def test_3_log_space_at_logits_of_1e4(id, classes):
    random = torch.Generator().manual_seed(classes)
    student = (1e4 * torch.randn(4, classes, generator=random)).requires_grad_()
    teacher = -student.detach()
    loss = RESPONSES[id](student, teacher, 1.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(student.grad).all()
    if id in ("soft_targets", "dkd"):  # exact: a sum of differences of logits, nothing clipped by an ε
        exact = RESPONSES[id](student.detach().double(), teacher.double(), 1.0)
        assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
        assert loss > 100


def test_3_two_classes_leave_nothing_beside_the_target():
    student, teacher = golden.STUDENT_LOGITS[:, :2], golden.TEACHER_LOGITS[:, :2]
    assert dkd_loss(student, teacher, golden.TARGET % 2, 0.0, 1.0, 4.0).item() == 0


def test_4_the_teacher_does_not_drift():
    session = Session(config("soft_targets"), None, None)
    teacher = session.teacher.module
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    for step in range(2):
        teacher.train()
        session.cohort.train_step(step, 6)
        assert not any(m.training for m in teacher.modules())
    assert all(torch.equal(before[k], v) for k, v in teacher.state_dict().items())


def test_5_learnable_parts_are_optimised_and_saved_and_the_teacher_is_not(tmp_path):
    session = Session(config("hint", "vid", "crd", "channel_attention"), tmp_path, None)
    student = session.cohort.students[0]
    state = {k: v.clone() for k, v in student.objective.learnable.state_dict().items()}
    assert {key.split(".")[0] for key in state} == {"hint", "vid", "crd", "channel_attention"}
    optimised = {id(p) for group in student.optimizer.param_groups for p in group["params"]}
    assert {id(p) for p in student.objective.learnable.parameters()} <= optimised
    session.cohort.train_step(0, 6)
    now = student.objective.learnable.state_dict()
    assert all(not torch.equal(state[k], now[k]) for k, _ in student.objective.learnable.named_parameters())
    assert not torch.equal(state["crd.0.student_memory"], now["crd.0.student_memory"])
    list(session.checkpoint())
    saved = load_file(next(tmp_path.glob("checkpoints/*/state.safetensors")))
    for key, value in now.items():
        assert torch.equal(saved[f"distilled/terms/{key}"], value), key
    model = {k.removeprefix("distilled/model/") for k in saved if k.startswith("distilled/model/")}
    assert model == set(student.module.state_dict())  # no teacher, no hook's buffer
    weights = [v for v in session.teacher.module.state_dict().values() if v.dim() == 4]
    assert not any(torch.equal(v, w) for v in saved.values() for w in weights if v.shape == w.shape)


@pytest.mark.parametrize("id", [spec.id for spec in METHODS])
def test_6_every_term_has_a_gradient_in_the_student_and_none_in_the_teacher(id):
    spec = METHODS[id]
    given = stand_in(spec)
    spec.loss(given.signals, spec.check({}), learnable_part(spec, given.pair)).backward()
    assert sum(float(leaf.grad.norm()) for leaf in given.leaves) > 0
    assert all(leaf.grad is None for leaf in given.teacher)


def test_6_in_a_run_the_teacher_gets_none():
    session = Session(config("soft_targets", "grad_cam_alignment", "crd"), None, None)
    session.cohort.train_step(0, 6)
    assert all(p.grad is None for p in session.teacher.module.parameters())


def keep_copy(copies, path, module, inputs, output):
    copies[path] = output.clone()


@pytest.mark.parametrize("id", [spec.id for spec in MODELS if not (spec.pretrained or spec.opens)])
def test_7_no_tapped_feature_is_overwritten(id):
    restores = "restoration" in MODELS[id].tasks and "classification" not in MODELS[id].tasks
    for io in (ModelIO(scale=2), ModelIO(scale=1)) if restores else (ModelIO(classes=5, size=32),):
        if MODELS[id].fits(MODELS[id].check({}), io):
            continue
        network = build_network(NetworkConfig(id=id), io, seed=0)
        copies = {}
        for path in network.stages.values():
            layer = network.module.get_submodule(path)
            layer.register_forward_hook(partial(keep_copy, copies, path))
        images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        with torch.no_grad(), Taps(network.module, list(network.stages.values())) as features:
            network.module(images)
        assert copies.keys() == features.keys()
        assert all(torch.equal(features[path], copies[path]) for path in copies)
        return
    raise AssertionError("fits neither scale")


def test_7_an_in_place_relu_is_found_out():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    with pytest.raises(ConfigError, match="overwritten in place"), Taps(module, ["0"]):
        module(torch.rand(1, 3, 4, 4))


def test_8_no_hook_stays_behind_an_exception():
    session = Session(config("hint", "attention_transfer", "grad_cam_alignment"), None, None)
    student = session.cohort.students[0].module
    modules = (student, session.teacher.module)
    before = [hooks(module) for module in modules]

    class Broken(Exception):
        pass

    def fail(*_):
        raise Broken

    for module in modules:
        last = list(module.children())[-1]
        handle = last.register_forward_pre_hook(fail)
        with pytest.raises(Broken):
            session.cohort.train_step(0, 6)
        handle.remove()
        assert [hooks(m) for m in modules] == before
    session.cohort.train_step(0, 6)
    assert [hooks(m) for m in modules] == before == [0, 0]


def test_9_similarity_rows_have_l2_norm_1():
    loss = similarity_preserving_loss(golden.STUDENT_FEATURE, golden.TEACHER_FEATURE)
    assert loss.item() == pytest.approx(golden.SIMILARITY_PRESERVING, rel=1e-9)
    # Two images at right angles against two that are equal: rows (1, 0) and (1, 1)/√2, not (1, 1)/2.
    apart, alike = torch.eye(2), torch.ones(2, 2)
    expected = 2 * ((1 - 1 / math.sqrt(2)) ** 2 + 1 / 2) / 4
    assert similarity_preserving_loss(apart, alike).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "id",
    [s.id for s in METHODS if s.layers not in ("none", "attention") and not s.teacher_gradient],
)
def test_10_half_precision_loses_nothing(id):
    """Features of some hundreds: their squares leave float16's range, their Gram matrices by far."""
    spec = METHODS[id]
    given = stand_in(spec, dtype=torch.float16)
    features = tuple((s.detach() * 100, t * 100) for s, t in given.signals.features)
    found = []
    for convert in (torch.Tensor.half, torch.Tensor.float):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            part = spec.learnable(given.pair, spec.check({})) if spec.learnable else None
        seen = stand_in(spec).signals
        signals = type(seen)(
            seen.student_output, seen.teacher_output, tuple((convert(s), convert(t)) for s, t in features),
            seen.target, seen.input, seen.index, seen.heads, seen.seed,
        )  # fmt: skip
        found.append(spec.loss(signals, spec.check({}), part))
    assert all(loss.dtype == torch.float32 for loss in found)
    assert found[0].item() == pytest.approx(found[1].item(), rel=1e-6)


def test_11_each_network_normalises_for_itself():
    """Both get the images in [0, 1]; a network that expects another range has it inside."""
    session = Session(config("soft_targets"), None, None)
    seen = []
    for module in (session.teacher.module, session.cohort.students[0].module):
        module.register_forward_pre_hook(lambda m, x: seen.append(x[0]))
    session.cohort.train_step(0, 6)
    assert seen[0] is seen[1]
    assert seen[0].min() >= 0
    assert seen[0].max() <= 1
    io, images = ModelIO(classes=5, size=32), torch.rand(2, 3, 32, 32)
    plain, shifted = (
        build_network(
            NetworkConfig(id="cifar_resnet", params={"depth": 8, "normalize": name}), io, seed=0
        ).module.eval()
        for name in ("none", "cifar10")
    )
    mean, std = (
        torch.tensor(v).view(1, 3, 1, 1) for v in ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    )
    with torch.no_grad():
        assert torch.allclose(shifted(images), plain((images - mean) / std), atol=1e-5)
        assert not torch.allclose(shifted(images), plain(images), atol=1e-3)


@pytest.mark.parametrize("id", ["mixup", "cutmix"])
def test_12_the_teacher_sees_the_mixed_image(id):
    always = {"id": id, "probability": 1.0}
    session = Session(config("soft_targets", augmentations=[always]), None, None)
    seen = []
    session.teacher.module.register_forward_pre_hook(lambda m, x: seen.append(x[0].clone()))
    session.cohort.train_step(0, 6)
    batch = session.task.batch(0)
    assert batch.target.shape == (8, 10)
    assert ((batch.target > 0).sum(dim=1) == 2).any()  # labels of two classes
    assert torch.equal(seen[0], batch.input)
    clean = Session(config("soft_targets"), None, None).task.batch(0).input
    assert not torch.equal(seen[0], clean)


def test_13_the_config_stays_what_it_was():
    given = config("soft_targets", "dkd", lr_schedule="cosine", warmup=2)
    before = given.to_json()
    list(fit(given))
    assert given.to_json() == before
    with pytest.raises(ValueError, match="frozen"):
        given.training.learning_rate = 1.0


def test_14_an_augmentation_is_undone_backwards():
    """Flip, then transpose: undone in the same order it would be a rotation by half a turn."""
    image = torch.arange(9.0).view(1, 1, 3, 3)
    chosen = torch.tensor([[False], [False], [True], [True]])
    augmentation = Augmentation(chosen)
    assert torch.equal(augmentation.undo(augmentation.apply(image)), image)
    assert not torch.equal(augmentation.apply(augmentation.apply(image)), image)
