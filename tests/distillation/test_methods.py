"""Contract: what holds for every registered method."""

import json

import pytest
import torch

from kdexplorer.distillation import METHODS, Pair, Signals
from kdexplorer.params import ConfigError, Param

MAPS = ((4, 8, 8), (6, 8, 8))


def signals_for(method, *, dtype=torch.float32, batch=4):
    """A student and a teacher that fit `method`, and what they put out."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(batch, *shape, generator=generator).to(dtype)

    image = "classification" not in method.tasks and "restoration" in method.tasks
    output = (3, 8, 8) if image else (5,)
    student, teacher = draw(*output).requires_grad_(), draw(*output)
    features = ()
    if method.layers != "none":
        features = tuple((draw(*MAPS[0]).requires_grad_(), draw(*MAPS[1])) for _ in range(2))
    pair = Pair(output, output, tuple((MAPS[0], MAPS[1]) for _ in features))
    return Signals(student, teacher, features, draw(*output).detach()), pair


WITHOUT_PARTS = [spec.id for spec in METHODS if spec.learnable is None]


@pytest.fixture(params=[spec.id for spec in METHODS])
def method(request):
    return METHODS[request.param]


def learnable_part(method, pair):
    return method.learnable(pair, method.check({})) if method.learnable else None


def test_gradient_reaches_student_and_learnable_parts_and_not_the_teacher(method):
    signals, pair = signals_for(method)
    assert method.fits(pair) is None
    part = learnable_part(method, pair)
    loss = method.loss(signals, method.check({}), part)
    assert loss.shape == ()
    loss.backward()
    seen = [s for s, _ in signals.features] or [signals.student_output]
    assert all(s.grad is not None and s.grad.norm() > 0 for s in seen)
    teachers = [signals.teacher_output, *(t for _, t in signals.features)]
    assert all(t.grad is None for t in teachers)
    if part is not None:
        assert all(p.grad is not None for p in part.parameters())
        assert sum(float(p.grad.norm()) for p in part.parameters()) > 0


@pytest.mark.parametrize("id", WITHOUT_PARTS)  # a random projection is not the identity
def test_identical_networks_have_nothing_to_learn(id):
    method = METHODS[id]
    signals, _ = signals_for(method)
    same = Signals(
        signals.teacher_output,
        signals.teacher_output,
        tuple((t, t) for _, t in signals.features),
        signals.target,
    )
    assert float(method.loss(same, method.check({}), None)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_finite(method, dtype):
    signals, pair = signals_for(method, dtype=dtype)
    part = learnable_part(method, pair)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(method.loss(signals, method.check({}), part))


def test_description_is_json_with_bounds(method):
    facts = json.loads(json.dumps(method.describe()))
    assert facts["paper"]
    assert facts["formula"]
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
    assert "class probabilities" in METHODS["soft_targets"].fits(images)
    assert "5 and 7 classes" in METHODS["soft_targets"].fits(Pair((5,), (7,)))
    assert "compares images" in METHODS["response"].fits(logits)
    assert "another size" in METHODS["response"].fits(Pair((3, 8, 8), (3, 16, 16)))
    tokens = Pair((5,), (5,), (((16, 32), (4, 8, 8)),))
    assert "feature maps" in METHODS["attention_transfer"].fits(tokens)
    assert "at least one pair" in METHODS["hint"].fits(logits)


def test_params_say_what_they_got():
    temperature = METHODS["soft_targets"].params[0]
    assert isinstance(temperature, Param)
    for bad in (float("nan"), float("inf"), "4", True, None, [4]):
        with pytest.raises(ConfigError, match="Temperature|temperature"):
            temperature.check(bad)
