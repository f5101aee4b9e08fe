"""What a method sees: the real signals of the real cohort."""

import hashlib

import pytest
import torch
from test_fit import small_cnn, tiny

from kdexplorer.config import with_values
from kdexplorer.distillation import METHODS, MethodSpec
from kdexplorer.presets import preset_config
from kdexplorer.training.session import Session


@pytest.fixture
def spy():
    """A method that keeps what it sees; it goes again with the test."""
    seen = {"signals": [], "pair": None}

    def fits(pair):
        seen["pair"] = pair

    def loss(signals, params, part):
        seen["signals"].append(signals)
        return (signals.student_output.float() ** 2).mean() + sum((s**2).mean() for s, _ in signals.features)

    def add(**facts):
        METHODS.add(
            MethodSpec(id="spy", title="Spy", summary="Looks.", loss=loss, formula="", fits=fits, **facts)
        )
        return seen

    list(METHODS)
    yield add
    METHODS._specs.pop("spy", None)


def hooks(session):
    modules = [m for s in session.cohort.students for m in s.module.modules()]
    modules += list(session.teacher.module.modules())
    return [m for m in modules if m._forward_hooks or m._forward_pre_hooks]


def step(session, k=0):
    session.cohort.train_step(k, 6)


def test_every_field_is_there(spy):
    seen = spy(layers="all")
    session = Session(small_cnn(**{"variants.0.terms": [{"method": "spy"}]}), None, None)
    pair = seen["pair"]
    assert (pair.batch, pair.samples, pair.scale) == (8, 1437, 1)
    assert len(pair.features) == 3
    step(session)
    (signals,) = seen["signals"]
    batch = session.task.batch(0)
    assert torch.equal(signals.input, batch.input)
    assert torch.equal(signals.index, batch.index)
    assert torch.equal(signals.target, batch.target)
    assert signals.index.shape == (8,)
    step(session, 1)
    assert seen["signals"][1].seed != signals.seed
    again = Session(small_cnn(**{"variants.0.terms": [{"method": "spy"}]}), None, None)
    step(again)
    assert seen["signals"][2].seed == signals.seed
    assert not hooks(session)


def test_indices_name_the_images(spy):
    spy()
    session = Session(tiny(**{"variants.0.terms": [{"method": "spy"}]}), None, None)
    batch = session.task.batch(3)
    assert torch.equal(session.task.data.images[batch.index].float() / 16, batch.input)
    assert torch.equal(session.task.data.labels[batch.index], batch.target)


def test_restoration_has_a_scale_and_no_indices(spy):
    seen = spy()
    changes = {"variants.0.terms": [{"method": "spy"}], "training.batch_size": 2, "data.held_out": 2}
    session = Session(with_values(preset_config("sharpen"), changes), None, None)
    assert (seen["pair"].scale, seen["pair"].samples) == (2, 0)
    assert session.task.batch(0).index is None


def test_other_images_can_be_shown_to_both(spy):
    seen = spy()
    session = Session(small_cnn(**{"variants.0.terms": [{"method": "spy"}]}), None, None)
    step(session)
    signals = seen["signals"][0]
    flipped = signals.input.flip(-1)
    session.teacher.module.train()
    before = {k: v.clone() for k, v in session.teacher.module.state_dict().items()}
    lesson = signals.teacher(flipped)
    assert not lesson.requires_grad
    assert all(torch.equal(before[k], v) for k, v in session.teacher.module.state_dict().items())
    assert signals.student(flipped).requires_grad
    assert torch.equal(session.teacher.module.eval()(flipped), lesson)


def test_only_who_asks_gets_the_teachers_graph_and_no_parameter_a_gradient(spy):
    seen = spy(layers="last", teacher_gradient=True)
    session = Session(small_cnn(**{"variants.0.terms": [{"method": "spy"}, {"method": "hint"}]}), None, None)
    step(session)
    signals = seen["signals"][0]
    _, teacher = signals.features[0]
    assert teacher.requires_grad
    found = torch.autograd.grad(signals.teacher_output.sum(), teacher)
    assert float(found[0].abs().sum()) > 0
    assert all(p.grad is None for p in session.teacher.module.parameters())
    assert not signals.input.requires_grad
    assert not hooks(session)


def test_others_see_detached_tensors(spy):
    seen = spy(layers="last")
    session = Session(small_cnn(**{"variants.0.terms": [{"method": "spy"}]}), None, None)
    step(session)
    signals = seen["signals"][0]
    assert not signals.teacher_output.requires_grad
    assert not any(teacher.requires_grad for _, teacher in signals.features)


def test_no_hook_survives_a_loss_that_raises(spy):
    seen = spy(layers="all")
    session = Session(small_cnn(**{"variants.0.terms": [{"method": "spy"}]}), None, None)
    seen["signals"] = None
    with pytest.raises(AttributeError):
        step(session)
    assert not hooks(session)


def test_attention_is_tapped_with_its_heads(spy):
    seen = spy(layers="attention")
    vit = {"id": "tiny_vit", "params": {"depth": 2}}
    session = Session(
        tiny(**{"teacher": vit, "student": vit, "variants.0.terms": [{"method": "spy"}]}), None, None
    )
    network = session.teacher
    path, heads = network.attention["block2"]
    assert seen["pair"].heads == ((heads, heads),)
    step(session)
    signals = seen["signals"][0]
    assert signals.heads == ((heads, heads),)
    ((student, teacher),) = signals.features
    dim = network.module.get_submodule(path).in_features
    assert student.shape[-1] == teacher.shape[-1] == 3 * dim


def test_a_step_does_not_depend_on_what_is_looked_at():
    def bits(every):
        session = Session(small_cnn(**{"training.gradient_every": every}), None, None)
        for k in range(3):
            step(session, k)
        state = session.cohort.students[0].module.state_dict()
        return hashlib.sha256(b"".join(v.numpy().tobytes() for v in state.values())).hexdigest()

    assert bits(0) == bits(1)


def test_shares_of_the_gradient_are_those_of_the_terms():
    session = Session(small_cnn(**{"training.gradient_every": 2}), None, None)
    step(session)
    shares = session.cohort.read_gradients()
    assert shares.keys() == {"distilled", "control"}
    assert shares["control"] == {"task": 1}
    assert shares["distilled"].keys() == {"task", "hint", "attention_transfer", "soft_targets"}
    assert sum(shares["distilled"].values()) == pytest.approx(1)
    assert all(share > 0 for share in shares["distilled"].values())
    step(session, 1)
    assert session.cohort.read_gradients() == {}
