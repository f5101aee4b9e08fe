"""Every registered method in a real cohort: two students beside their control, one teacher."""

import pytest
import torch
from test_fit import tiny

from kdexplorer.config import RunConfig, with_values
from kdexplorer.distillation import METHODS
from kdexplorer.params import ConfigError
from kdexplorer.training.session import Session

PAIRS = {
    "classification": {"student": {"id": "cifar_resnet", "params": {"depth": 8, "width": 4}},
                       "teacher": {"id": "cifar_resnet", "params": {"depth": 8, "width": 8}}},
    "attention": {"student": {"id": "tiny_vit", "params": {"depth": 2}},
                  "teacher": {"id": "tiny_vit", "params": {"depth": 2}}},
    "restoration": {"task": "restoration",
                    "data": {"degradations": [{"id": "bicubic", "params": {"scale": 2}}],
                             "held_out": 2, "held_out_crop": 32, "patch": 16},
                    "student": {"id": "edsr", "params": {"width": 8, "blocks": 2}},
                    "teacher": {"id": "edsr", "params": {"width": 12, "blocks": 3}}},
}  # fmt: skip


def pair_for(method) -> str:
    if method.layers == "attention":
        return "attention"
    return "restoration" if method.tasks == ("restoration",) else "classification"


def config_for(method, **changes) -> RunConfig:
    terms = [{"method": method.id}]
    variants = [{"name": "a", "terms": terms}, {"name": "b", "terms": terms}]
    return tiny(**PAIRS[pair_for(method)], variants=variants, **changes)


@pytest.fixture(params=[spec.id for spec in METHODS])
def method(request):
    return METHODS[request.param]


def test_it_trains_the_student_and_leaves_the_teacher_alone(method):
    session = Session(config_for(method, **{"training.gradient_every": 1}), None, None)
    taught = {k: v.clone() for k, v in session.teacher.module.state_dict().items()}
    for step in range(2):
        session.cohort.train_step(step, 3)
    shares = session.cohort.read_gradients()
    assert shares["a"] == shares["b"]
    assert 0 < shares["a"][method.id] < 1
    losses = session.cohort.read_losses(3)
    assert losses["a"][method.id].value == losses["b"][method.id].value
    assert all(torch.equal(taught[k], v) for k, v in session.teacher.module.state_dict().items())
    assert all(p.grad is None for p in session.teacher.module.parameters())
    networks = [session.teacher.module, *(student.module for student in session.cohort.students)]
    assert not any(m._forward_hooks or m._forward_pre_hooks for net in networks for m in net.modules())


def test_every_learnable_part_moves_or_is_a_memory(method):
    session = Session(config_for(method), None, None)
    student = session.cohort.students[0]
    before = {k: v.clone() for k, v in student.objective.learnable.state_dict().items()}
    for step in range(2):
        session.cohort.train_step(step, 3)
    after = student.objective.learnable.state_dict()
    assert before.keys() == after.keys()
    trained = {name for name, _ in student.objective.learnable.named_parameters()}
    assert all(not torch.equal(before[name], after[name]) for name in trained)


def test_a_chain_of_everything_else_is_refused_or_runs(method):
    """Projectors, noise, importance of levels and the student's own average go with any method, or say why not."""
    extras = {
        "projector": "conv",
        "noise": {"mask": 0.2, "shuffle": 0.2},
        "levels": "importance",
        "teacher": "ema",
    }
    term = {"method": method.id, **extras}
    config = tiny(**PAIRS[pair_for(method)], variants=[{"terms": [term]}])
    if not method.layers.startswith(("last", "middle", "all")) or method.teacher_gradient:
        with pytest.raises(ConfigError, match="no features to project|gradients to the layers themselves"):
            Session(config, None, None)
        return
    if method.whole:
        with pytest.raises(ConfigError, match="weighs its levels itself; set levels to equal"):
            Session(config, None, None)
        config = with_values(config, {"variants.0.terms.0.levels": "equal"})
    session = Session(config, None, None)
    session.cohort.train_step(0, 3)
    assert session.cohort.read_losses(3)["distilled"].keys() == {"task", method.id}
