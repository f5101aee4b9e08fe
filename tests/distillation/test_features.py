"""Feature methods: golden values, what the papers leave invariant, and what is refused."""

import golden
import pytest
import torch

from kdexplorer.config import NetworkConfig
from kdexplorer.data.draws import generator
from kdexplorer.distillation import (
    METHODS,
    Pair,
    Signals,
    channel_wise_loss,
    feature_affinity_loss,
    grad_cam_loss,
    hierarchical_context_loss,
    masked_generative_loss,
)
from kdexplorer.distillation.methods.grad_cam_alignment import class_activation_map, label_score
from kdexplorer.distillation.methods.mgd import keep_mask
from kdexplorer.distillation.review_fusion import ReviewFusion
from kdexplorer.models.build import build_network
from kdexplorer.models.spec import ModelIO
from kdexplorer.models.taps import Taps
from kdexplorer.params import ConfigError

LOGITS = (5,)
WAYS = {
    "channel_wise": lambda s, t: channel_wise_loss(s, t, 4.0),
    "feature_affinity": feature_affinity_loss,
    "hierarchical_context": hierarchical_context_loss,
    "masked_generative": masked_generative_loss,
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return (3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).to(
        dtype
    )


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (lambda s, t: channel_wise_loss(s, t, 1.0), golden.CHANNEL_WISE_T1),
        (lambda s, t: channel_wise_loss(s, t, 4.0), golden.CHANNEL_WISE_T4),
        (masked_generative_loss, golden.MGD_UNMASKED),
        (hierarchical_context_loss, golden.REVIEW_KD_8X8),
    ],
)
def test_golden(loss, value):
    found = loss(golden.STUDENT_FEATURE, golden.TEACHER_FEATURE)
    assert found.item() == pytest.approx(value, rel=1e-9)


def test_zero_where_nothing_differs_and_blind_to_the_order_of_the_batch(way):
    s, t = draw(4, 3, 8, 8), draw(4, 3, 8, 8, seed=1)
    assert way(t, t).item() == pytest.approx(0, abs=1e-12)
    order = torch.tensor([2, 0, 3, 1])
    assert way(s[order], t[order]).item() == pytest.approx(way(s, t).item(), rel=1e-9)
    assert way(s, t).item() > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_finite_and_right_in_half_precision(way, dtype):
    s, t = draw(2, 3, 8, 8, dtype=dtype) * 50, draw(2, 3, 8, 8, seed=1, dtype=dtype) * 50
    assert way(s, t).item() == pytest.approx(way(s.double(), t.double()).item(), rel=1e-3)


@pytest.mark.parametrize("fill", [0.0, 1e4])
def test_gradient_is_finite_for_flat_and_for_large_features(way, fill):
    s = torch.full((1, 3, 8, 8), fill).add(draw(1, 3, 8, 8, dtype=torch.float32) * fill).requires_grad_()
    way(s, draw(1, 3, 8, 8, seed=1, dtype=torch.float32) * max(fill, 1)).backward()
    assert torch.isfinite(s.grad).all()


def test_channel_wise_sees_shapes_and_not_levels():
    s, t = draw(2, 3, 4, 4), draw(2, 3, 4, 4, seed=1)
    shifted = channel_wise_loss(s + draw(2, 3, 1, 1, seed=2), t, 2.0)
    assert shifted.item() == pytest.approx(channel_wise_loss(s, t, 2.0).item(), rel=1e-9)


def test_feature_affinity_is_blind_to_length_and_channel_count_and_pools():
    s, t = draw(2, 6, 8, 8), draw(2, 3, 8, 8, seed=1)
    longer = s * draw(2, 1, 8, 8, seed=2).abs()
    assert feature_affinity_loss(longer, t).item() == pytest.approx(
        feature_affinity_loss(s, t).item(), rel=1e-9
    )
    small = [torch.nn.functional.avg_pool2d(x, 2) for x in (s, t)]
    assert feature_affinity_loss(s, t, 4).item() == pytest.approx(
        feature_affinity_loss(*small).item(), rel=1e-9
    )
    assert feature_affinity_loss(s, small[1]).item() == pytest.approx(
        feature_affinity_loss(*small).item(), rel=1e-9
    )


def test_feature_affinity_has_bounded_memory():
    method = METHODS["feature_affinity"]
    pairs = [Pair(LOGITS, LOGITS, (((8, side, side), (16, side, side)),), batch=16) for side in (32, 64, 512)]
    sizes = [method.memory(pair, method.check({})) for pair in pairs]
    assert sizes == [3 * 4 * 16 * 24**4] * 3


def test_mgd_hides_its_share_anew_at_every_step():
    feature = torch.zeros(8, 3, 32, 32)
    masks = [keep_mask(feature, 0.65, generator("cpu", "mgd", seed)) for seed in (1, 1, 2)]
    assert masks[0].shape == (8, 1, 32, 32)
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert masks[0].mean().item() == pytest.approx(0.35, abs=0.02)
    assert keep_mask(feature, 0.0, generator("cpu", "mgd", 1)).min() == 1


def test_review_fusion_gives_the_teachers_shapes_from_deep_to_shallow():
    """A level depends on itself and on the deeper ones, never on a shallower one."""
    shapes = (((4, 8, 8), (6, 16, 16)), ((5, 4, 4), (7, 4, 4)), ((6, 2, 2), (8, 1, 1)))
    fusion = ReviewFusion(Pair(LOGITS, LOGITS, shapes, batch=2))
    levels = [draw(2, *s, seed=i, dtype=torch.float32).requires_grad_() for i, (s, _) in enumerate(shapes)]
    reviewed = fusion(levels, [t[1:] for _, t in shapes])
    assert [tuple(x.shape[1:]) for x in reviewed] == [t for _, t in shapes]
    gradients = torch.autograd.grad(reviewed[1].square().sum(), levels, allow_unused=True)
    assert gradients[0] is None
    assert all(g.norm() > 0 for g in gradients[1:])


def test_grad_cam_of_a_real_network_is_that_of_the_literature_and_moves_the_student():
    """Captum computes the same maps; the loss's gradient is that of finite differences."""
    from captum.attr import LayerGradCam

    network = build_network(NetworkConfig(id="tiny_cnn"), ModelIO(3, 5, 1, 16), seed=0)
    module, path = network.module.double().eval(), network.attribution_layer
    images, target = draw(2, 3, 16, 16).sigmoid(), torch.tensor([1, 3])
    with Taps(module, [path]) as features:
        logits = module(images)
    [gradient] = torch.autograd.grad(label_score(logits, target), [features[path]], create_graph=True)
    found = class_activation_map(features[path], gradient)
    layer = module.get_submodule(path)
    wanted = LayerGradCam(module, layer).attribute(images, target, relu_attributions=True)[:, 0]
    torch.testing.assert_close(found, wanted.double())
    assert found.max() > 0

    teacher = draw(2, *found.shape[1:], seed=3).abs()
    weight = next(p for p in module.parameters() if p.dim() == 4)
    [slope] = torch.autograd.grad(grad_cam_loss(found, teacher), [weight])
    step = 1e-6 * slope / slope.norm()

    def loss_at(sign):
        with torch.no_grad():
            weight.add_(sign * step)
        with Taps(module, [path]) as moved:
            output = module(images)
        [g] = torch.autograd.grad(label_score(output, target), [moved[path]])
        value = grad_cam_loss(class_activation_map(moved[path].detach(), g), teacher)
        with torch.no_grad():
            weight.sub_(sign * step)
        return value

    assert slope.norm() > 0
    difference = (loss_at(1) - loss_at(-1)).item()
    assert difference == pytest.approx(2e-6 * slope.norm().item(), rel=1e-3)


def test_grad_cam_loss_is_one_minus_the_cosine_and_knows_empty_maps():
    s, t = draw(3, 4, 4).abs(), draw(3, 4, 4, seed=1).abs()
    cosine = torch.nn.functional.cosine_similarity(s.flatten(1), t.flatten(1)).mean()
    assert grad_cam_loss(s, t).item() == pytest.approx(1 - cosine.item(), rel=1e-9)
    assert grad_cam_loss(5 * s, t).item() == pytest.approx(grad_cam_loss(s, t).item(), rel=1e-9)
    empty = torch.zeros_like(t)
    assert grad_cam_loss(empty, empty).item() == 0
    assert grad_cam_loss(empty, t).item() == pytest.approx(0.5)


def test_grad_cam_of_mixed_labels_is_that_of_the_expected_logit():
    logits = draw(2, 3)
    mixed = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    assert label_score(logits, mixed).item() == pytest.approx(float((logits * mixed).sum()))
    assert label_score(logits, torch.tensor([1, 2])).item() == pytest.approx(
        float(logits[0, 1] + logits[1, 2])
    )


def test_grad_cam_says_when_the_output_does_not_depend_on_the_feature():
    s, t = (draw(2, 3, 4, 4, seed=i).requires_grad_() for i in (0, 1))
    logits = draw(2, 5).requires_grad_() * 2
    signals = Signals(logits, t.mean((2, 3)) @ draw(3, 5), ((s, t),), torch.tensor([0, 1]))
    with pytest.raises(ConfigError, match="without projector and without noise"):
        METHODS["grad_cam_alignment"].loss(signals, {}, None)


def test_what_does_not_fit_says_why():
    point = ((8, 1, 1), (16, 1, 1))
    assert "only one" in METHODS["channel_wise"].fits(Pair(LOGITS, LOGITS, (point,)))
    assert "choose an earlier layer" in METHODS["grad_cam_alignment"].fits(Pair(LOGITS, LOGITS, (point,)))
    assert "larger batch" in METHODS["review_kd"].fits(Pair(LOGITS, LOGITS, (point,)))
    assert METHODS["review_kd"].fits(Pair(LOGITS, LOGITS, (point,), batch=2)) is None
    tokens = ((16, 24), (16, 24))
    for id in ("channel_wise", "review_kd", "mgd", "feature_affinity", "grad_cam_alignment"):
        assert "feature maps" in METHODS[id].fits(Pair(LOGITS, LOGITS, (tokens,)))


def test_projections_only_where_channels_differ():
    method = METHODS["channel_wise"]
    same, other = ((4, 8, 8), (4, 8, 8)), ((4, 8, 8), (6, 8, 8))
    assert method.learnable(Pair(LOGITS, LOGITS, (same,)), {}) is None
    part = method.learnable(Pair(LOGITS, LOGITS, (same, other)), {})
    assert [sum(p.numel() for p in each.parameters()) for each in part] == [0, 24]
