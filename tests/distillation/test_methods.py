"""Contract: what holds for every registered method."""

import json
from dataclasses import replace

import pytest
import torch
from stand_ins import StandIn, stand_in

from kdexplorer.distillation import METHODS, Pair, Signals
from kdexplorer.distillation.history import histories
from kdexplorer.params import ConfigError, Param

COMPARED_WITH_THE_TRUTH = {"data_upcycling"}
DRAWN_BY_PLACE = {
    "contrastive_regularization",
    "data_upcycling",
    "mgd",
}  # what falls on an image depends on its place in the batch


def only(wanted):
    """Parametrise over the methods that `wanted` is true of."""
    specs = [spec for spec in METHODS if wanted(spec)]
    return pytest.mark.parametrize("method", specs, ids=[spec.id for spec in specs])


@pytest.fixture(params=[spec.id for spec in METHODS])
def method(request):
    return METHODS[request.param]


def learnable_part(method, pair):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        part = method.learnable(pair, method.check({})) if method.learnable else None
    for history in histories(part) if part is not None else ():
        history.attach(torch.nn.Upsample(scale_factor=pair.scale))
    return part


def loss_of(method, given: StandIn, part=None, **params):
    part = part if part is not None else learnable_part(method, given.pair)
    return method.loss(given.signals, method.check(params), part)


def with_signals(given: StandIn, **changes) -> StandIn:
    return replace(given, signals=replace(given.signals, **changes))


def test_gradient_reaches_student_and_learnable_parts_and_not_the_teacher(method):
    given = stand_in(method)
    assert method.fits(given.pair) is None
    part = learnable_part(method, given.pair)
    loss = loss_of(method, given, part)
    assert loss.shape == ()
    assert loss.dtype == torch.float32
    loss.backward()
    assert all(leaf.grad is not None and leaf.grad.norm() > 0 for leaf in given.leaves)
    assert all(leaf.grad is None for leaf in given.teacher)
    learned = [p for p in part.parameters() if p.requires_grad] if part is not None else []
    assert all(p.grad is not None for p in learned)
    assert not learned or sum(float(p.grad.norm()) for p in learned) > 0


# A random projection is not the identity.
@only(lambda spec: spec.learnable is None and spec.id not in COMPARED_WITH_THE_TRUTH)
def test_identical_networks_have_nothing_to_learn(method):
    given = stand_in(method)
    seen = given.signals
    same = with_signals(
        given,
        student_output=seen.teacher_output,
        features=tuple((t, t) for _, t in seen.features),
        heads=tuple((t, t) for _, t in seen.heads),
        student=seen.teacher,
    )
    assert float(loss_of(method, same).detach()) == pytest.approx(0, abs=1e-6)


@only(lambda spec: not spec.teacher_gradient and spec.id not in DRAWN_BY_PLACE)
def test_blind_to_the_order_of_the_batch(method):
    given = stand_in(method)
    order, seen = torch.tensor([2, 0, 3, 1]), given.signals
    mixed = with_signals(
        given,
        student_output=seen.student_output[order],
        teacher_output=seen.teacher_output[order],
        features=tuple((s[order], t[order]) for s, t in seen.features),
        target=seen.target[order],
        input=seen.input[order],
        index=None if seen.index is None else seen.index[order],
    )
    first, second = (float(loss_of(method, x).detach()) for x in (given, mixed))
    assert second == pytest.approx(first, rel=1e-5)


def test_same_signals_same_bits(method):
    """What is random comes from the signals' seed, never from the global generator."""
    given = stand_in(method)
    before = torch.get_rng_state()
    first, second = (loss_of(method, given).detach() for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_finite(method, dtype):
    given = stand_in(method, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = loss_of(method, given)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(leaf.grad).all() for leaf in given.leaves)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@only(lambda spec: not spec.teacher_gradient)
def test_large_values_are_finite(method, dtype):
    """Logits and features of ±1e4."""
    given = stand_in(method, dtype=dtype)
    seen = given.signals
    leaves = [
        (x.detach() * 1e4).requires_grad_() for x in (seen.student_output, *(s for s, _ in seen.features))
    ]
    large = with_signals(
        given,
        student_output=leaves[0],
        teacher_output=seen.teacher_output * -1e4,
        features=tuple((s, t * 1e4) for s, (_, t) in zip(leaves[1:], seen.features, strict=True)),
    )
    loss = loss_of(method, large)
    loss.backward()
    assert torch.isfinite(loss)
    used = [leaf.grad for leaf in leaves if leaf.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in used)


@only(lambda spec: not spec.teacher_gradient and spec.layers not in ("none", "attention"))
def test_dead_features_are_finite(method):
    """A layer whose ReLU never fires: all distances, norms and maps are 0."""
    given = stand_in(method)
    dead = [torch.zeros_like(s).requires_grad_() for s, _ in given.signals.features]
    loss = loss_of(
        method,
        with_signals(
            given, features=tuple((s, t) for s, (_, t) in zip(dead, given.signals.features, strict=True))
        ),
    )
    loss.backward()
    assert torch.isfinite(loss)
    assert all(leaf.grad.norm() < 1e4 for leaf in dead)


@only(lambda spec: spec.tasks == ("classification",) and not spec.teacher_gradient)
def test_two_classes(method):
    given = stand_in(method)
    seen = given.signals
    output = seen.student_output.detach()[:, :2].requires_grad_()
    two = with_signals(
        given, student_output=output, teacher_output=seen.teacher_output[:, :2], target=seen.target % 2
    )
    two = replace(two, pair=replace(given.pair, student_output=(2,), teacher_output=(2,)))
    assert torch.isfinite(loss_of(method, two))


def test_a_batch_of_one_runs_or_is_refused(method):
    given = stand_in(method, batch=1)
    reason = method.fits(given.pair)
    if reason is not None:
        assert "batch" in reason
        assert method.fits(replace(given.pair, batch=3)) is None
        return
    loss = loss_of(method, given)
    loss.backward()
    assert torch.isfinite(loss)
    assert any(leaf.grad.norm() > 0 for leaf in given.leaves)


@only(lambda spec: spec.learnable is not None)
def test_learnable_parts_are_restored_bit_for_bit(method):
    given = stand_in(method)
    part = learnable_part(method, given.pair)
    loss_of(method, given, part)  # what is remembered has changed
    kept = {k: v.clone() for k, v in part.state_dict().items()}
    fresh = learnable_part(method, given.pair)
    fresh.load_state_dict(kept)
    assert torch.equal(loss_of(method, given, part), loss_of(method, given, fresh))


def test_memory_is_declared(method):
    """At least what the loss keeps for the backward pass, beyond its inputs, and not twenty times as much."""
    given = stand_in(method, batch=16)
    part = learnable_part(method, given.pair)
    seen = given.signals
    inputs = [seen.student_output, seen.teacher_output, *(x for pair in seen.features for x in pair)]
    held = [x for x in (*inputs, seen.target, seen.input, seen.index) if x is not None]
    known = {x.untyped_storage().data_ptr() for x in held}
    kept = {}

    def keep(x):
        storage = x.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = (storage.nbytes(), x)  # x: or its address would be used again
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        loss_of(method, given, part)
    measured = sum(size for size, _ in kept.values())
    declared = method.memory(given.pair, method.check({}))
    assert measured <= declared <= 20 * max(measured, 1024)
    assert method.memory(replace(given.pair, batch=32), method.check({})) > declared


def test_description_is_json_with_bounds(method):
    facts = json.loads(json.dumps(method.describe()))
    assert facts["paper"]
    assert facts["formula"]
    assert facts["matches"]
    assert facts["summary"].endswith(".")
    for param in facts["params"]:
        assert param["help"].endswith(".")
        if param["kind"] in ("int", "float"):
            assert param["minimum"] <= param["default"] <= param["maximum"]


def test_out_of_bounds_is_refused(method):
    for param in method.params:
        if param.kind == "float":
            with pytest.raises(ConfigError, match="must lie between"):
                method.check({param.name: param.maximum + 1})
    with pytest.raises(ConfigError, match="has no parameter 'nonsense'"):
        method.check({"nonsense": 1})


def test_registered_twice_is_an_error(method):
    with pytest.raises(ValueError, match="registered twice"):
        METHODS.add(method)


def test_what_does_not_fit_says_why():
    logits, images = Pair((5,), (5,)), Pair((3, 8, 8), (3, 8, 8))
    for id in ("soft_targets", "logit_standardization", "dkd", "dist"):
        assert "class probabilities" in METHODS[id].fits(images)
        assert "5 and 7 classes" in METHODS[id].fits(Pair((5,), (7,)))
    assert "compares images" in METHODS["response"].fits(logits)
    assert "another size" in METHODS["response"].fits(Pair((3, 8, 8), (3, 16, 16)))
    tokens = Pair((5,), (5,), (((16, 32), (4, 8, 8)),), batch=8)
    for id in ("attention_transfer", "hint", "vid", "nst"):
        assert "feature maps" in METHODS[id].fits(tokens)
        assert "at least one pair" in METHODS[id].fits(logits)
    relations = ("similarity_preserving", "rkd_distance", "rkd_angle", "pkt")
    for id in relations:
        assert METHODS[id].fits(tokens) is None
        assert "at least one pair" in METHODS[id].fits(replace(logits, batch=8))
    for id, least in zip((*relations, "dist"), (2, 2, 3, 2, 2), strict=True):
        assert f"batch size to {least}" in METHODS[id].fits(replace(tokens, batch=least - 1))
        assert METHODS[id].fits(replace(tokens, batch=least)) is None
    assert "fixed number of images" in METHODS["crd"].fits(tokens)
    assert "at least 2" in METHODS["crd"].fits(replace(tokens, samples=1))
    assert METHODS["crd"].fits(replace(tokens, samples=9)) is None


@only(lambda spec: not spec.tasks)
def test_what_fits_every_task_needs_no_labels(method):
    assert torch.isfinite(loss_of(method, with_signals(stand_in(method), target=None)))


def test_params_say_what_they_got():
    temperature = METHODS["soft_targets"].params[0]
    assert isinstance(temperature, Param)
    for bad in (float("nan"), float("inf"), "4", True, None, [4]):
        with pytest.raises(ConfigError, match="Temperature|temperature"):
            temperature.check(bad)


def test_signals_need_no_more_than_outputs():
    student, teacher = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    assert METHODS["soft_targets"].loss(Signals(student, teacher), {"temperature": 4.0}, None) > 0
