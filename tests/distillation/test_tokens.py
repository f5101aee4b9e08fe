"""Token methods: attention of real transformers, invariances, and what is refused."""

import pytest
import torch

from kdexplorer.config import NetworkConfig
from kdexplorer.distillation import METHODS, Pair, Signals, token_attention_loss, token_value_loss
from kdexplorer.distillation.methods.token_attention import attention_scores
from kdexplorer.distillation.token_heads import split_heads
from kdexplorer.models.build import build_network
from kdexplorer.models.spec import ModelIO
from kdexplorer.models.taps import Taps

LOSSES = [token_attention_loss, token_value_loss]
IO = ModelIO(3, 5, 1, 16)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fitting(student, teacher, heads=(2, 2)) -> Pair:
    return Pair((5,), (5,), ((student, teacher),), (heads,))


@pytest.mark.parametrize("loss", LOSSES)
def test_zero_where_nothing_differs_and_blind_to_the_order_of_the_batch(loss):
    s, t = draw(4, 2, 6, 6), draw(4, 2, 6, 6, seed=1)
    assert loss(t, t).item() == pytest.approx(0, abs=1e-12)
    assert loss(s, t).item() > 0
    order = torch.tensor([2, 0, 3, 1])
    assert loss(s[order], t[order]).item() == pytest.approx(loss(s, t).item(), rel=1e-9)


def test_values_may_be_turned_in_their_space():
    s, t = draw(2, 2, 6, 3), draw(2, 2, 6, 5, seed=1)
    turn = torch.linalg.qr(draw(5, 5, seed=2)).Q
    assert token_value_loss(s, t @ turn).item() == pytest.approx(token_value_loss(s, t).item(), rel=1e-9)


def test_scores_may_be_shifted_row_by_row():
    s, t = draw(2, 2, 6, 6), draw(2, 2, 6, 6, seed=1)
    shifted = token_attention_loss(s, t + draw(2, 2, 6, 1, seed=2))
    assert shifted.item() == pytest.approx(token_attention_loss(s, t).item(), rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("heads", [(1, 1), (2, 3), (4, 2)])
def test_any_numbers_of_heads_compare_and_stay_finite_at_large_values(loss, heads):
    s = (draw(1, heads[0], 6, 6) * 1e4).float().requires_grad_()
    t = (draw(1, heads[1], 6, 6, seed=1) * 1e4).float()
    loss(s, t).backward()
    assert torch.isfinite(s.grad).all()
    assert torch.isfinite(loss(s.half() / 100, t.half() / 100))


@pytest.mark.parametrize("id", ["token_attention", "token_values"])
def test_two_transformers_of_other_width_and_heads(id):
    """From the declared layer of a real network: the rows are those that its attention uses."""
    networks = [
        build_network(
            NetworkConfig(id="tiny_vit", params={"dim": dim, "heads": heads, "depth": depth}), IO, seed=dim
        )
        for dim, heads, depth in ((24, 2, 2), (48, 4, 3))
    ]
    images = draw(2, 3, 16, 16).sigmoid().float()
    features, shapes, heads = [], [], []
    for network in networks:
        path, count = list(network.attention.values())[-1]
        with Taps(network.module, [path]) as tapped:
            network.module(images)
        features.append(tapped[path])
        shapes.append(tuple(tapped[path].shape[1:]))
        heads.append(count)
    assert (shapes, heads) == ([(16, 72), (16, 144)], [2, 4])
    method = METHODS[id]
    assert method.fits(fitting(*shapes, tuple(heads))) is None
    signals = Signals(images, images, ((features[0], features[1].detach()),), heads=(tuple(heads),))
    method.loss(signals, {}, None).backward()
    part = networks[0].module.blocks[-1].attn.qkv.weight.grad
    assert part.norm() > 0
    # what is not compared gets no gradient: queries and keys, or values
    unused = part[48:] if id == "token_attention" else part[:48]
    assert unused.norm() == 0


def test_the_split_is_the_networks_own():
    network = build_network(NetworkConfig(id="tiny_vit"), IO, seed=0)
    block = network.module.blocks[0].attn
    tokens = draw(2, 16, 64).float()
    query, key, value = split_heads(block.qkv(tokens), network.attention["block1"][1])
    rows = attention_scores(query, key).softmax(-1)
    mixed = (rows @ value).transpose(1, 2).flatten(2)
    torch.testing.assert_close(block.proj(mixed), block(tokens))


def test_only_plain_transformers_declare_attention():
    timm = pytest.importorskip("timm")
    assert timm
    found = {
        name: build_network(
            NetworkConfig(id="timm", params={"name": name}), ModelIO(3, 5, 1, 32), seed=0
        ).attention
        for name in ("test_vit", "resnet10t")
    }
    assert found["resnet10t"] == {}
    assert list(found["test_vit"].values())[-1] == ("net.blocks.5.attn.qkv", 2)
    assert build_network(NetworkConfig(id="tiny_cnn"), IO, seed=0).attention == {}


@pytest.mark.parametrize("id", ["token_attention", "token_values"])
def test_what_does_not_fit_says_why(id):
    fits = METHODS[id].fits
    assert "two vision transformers" in fits(Pair((5,), (5,)))
    assert "16 and 17 tokens" in fits(fitting((16, 24), (17, 48)))
    assert "block1" in fits(fitting((16, 25), (16, 48)))
    assert "block1" in fits(fitting((4, 8, 8), (16, 48)))
    assert "two vision transformers" in fits(Pair((5,), (5,), (((16, 24), (16, 24)),)))
