"""The restoration architectures: the library's own numbers and weights, any size, gray and colour."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.padding import mirrored
from kdexplorer.models.upsampling import bicubic
from kdexplorer.models.weights import load_weights
from kdexplorer.params import ConfigError

KEEP_SIZE = ("unet", "nafnet", "restormer", "aod_net")
ENLARGE = ("imdn", "rcan", "swinir")


def _network(id: str, *, scale: int = 1, channels: int = 3, seed: int = 0, **params: Any) -> Network:
    return build_network(
        NetworkConfig(id=id, params=params), ModelIO(scale=scale, channels=channels), seed=seed
    )


def _images(height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0))


def _stir(module: nn.Module) -> None:
    """Give every weight another value: layers that start at 0 would hide what comes before them."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


def _rcan() -> tuple[nn.Module, Network]:
    from spandrel.architectures.RCAN import RCAN

    theirs = RCAN(scale=2, n_resgroups=2, n_resblocks=2, n_feats=16, reduction=8)
    return theirs, _network(
        "rcan", scale=2, width=16, blocks=2, reduction=8, mean_shift=True, global_skip=False
    )


def _nafnet() -> tuple[nn.Module, Network]:
    from spandrel.architectures.NAFNet import NAFNet

    theirs = NAFNet(img_channel=3, width=8, middle_blk_num=2, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1])
    return theirs, _network("nafnet", width=8, middle_blocks=2)


def _swinir(scale: int, channels: int = 3) -> tuple[nn.Module, Network]:
    from spandrel.architectures.SwinIR import SwinIR

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.meshgrid")
        theirs = SwinIR(
            img_size=32, in_chans=channels, embed_dim=12, depths=[2, 2], num_heads=[2, 2], window_size=8,
            mlp_ratio=2.0, upscale=scale, upsampler="" if scale == 1 else "pixelshuffledirect",
        )  # fmt: skip
    ours = _network("swinir", scale=scale, channels=channels, width=12, window=8, global_skip=False)
    return theirs.eval(), ours


LIBRARY = {
    "rcan": _rcan,
    "nafnet": _nafnet,
    "swinir-x1": lambda: _swinir(1),
    "swinir-x2": lambda: _swinir(2),
    "swinir-gray-x3": lambda: _swinir(3, 1),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_the_librarys_weights_load_and_give_its_output(name: str, tmp_path: Path) -> None:
    theirs, ours = LIBRARY[name]()
    _stir(theirs)
    torch.save(theirs.state_dict(), tmp_path / "published.pth")
    load_weights(ours, f"file:{tmp_path / 'published.pth'}")
    images = _images(16, 24, ours.io.channels)
    with torch.no_grad():
        torch.testing.assert_close(ours.module(images), theirs(images.clone()), rtol=1e-4, atol=1e-5)


def test_restormer_has_the_published_keys_and_number_of_parameters() -> None:
    module = _network("restormer", width=8).module
    keys = set(module.state_dict())
    assert {
        "patch_embed.proj.weight", "encoder_level1.0.norm1.body.weight", "encoder_level1.0.norm1.body.bias",
        "encoder_level1.0.attn.temperature", "encoder_level1.0.attn.qkv.weight",
        "encoder_level1.0.attn.qkv_dwconv.weight", "encoder_level1.0.attn.project_out.weight",
        "encoder_level1.0.ffn.project_in.weight", "encoder_level1.0.ffn.dwconv.weight",
        "encoder_level1.0.ffn.project_out.weight", "down1_2.body.0.weight", "down3_4.body.0.weight",
        "latent.0.attn.qkv.weight", "up4_3.body.0.weight", "reduce_chan_level3.weight",
        "reduce_chan_level2.weight", "decoder_level1.0.norm2.body.weight", "refinement.0.attn.temperature",
        "output.weight",
    } <= keys  # fmt: skip
    from kdexplorer.models.build import count_parameters

    # 26.13 million parameters are what comparisons state for the published network
    published = {"width": 48, "depths": "4-6-6-8", "refinement": 4}
    count = count_parameters(NetworkConfig(id="restormer", params=published), ModelIO())
    assert count / 1e6 == pytest.approx(26.13, abs=0.01)
    assert not [key for key in _network("restormer", norm_bias=False).module.state_dict() if "bias" in key]


def test_aod_net_is_as_small_as_published() -> None:
    assert _network("aod_net").info.parameters == 1761


def test_aod_net_inverts_haze_where_its_map_is_right() -> None:
    module: Any = _network("aod_net", channels=1).module
    clean, transmission, airlight = _images(8, 8, 1), 0.5, 1.0
    hazy = clean * transmission + airlight * (1 - transmission)
    nn.init.constant_(module.e_conv5.bias, 1 / transmission)  # with airlight 1, K = 1 / t
    torch.testing.assert_close(module(hazy), clean)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (17, 31)])
@pytest.mark.parametrize("id", KEEP_SIZE + ENLARGE)
def test_any_size(id: str, height: int, width: int, channels: int) -> None:
    module = _network(id, channels=channels).module
    images = _images(height, width, channels)
    assert module(images).shape == images.shape
    assert module(images).isfinite().all()


@pytest.mark.parametrize("id", ENLARGE)
def test_odd_sizes_enlarge(id: str) -> None:
    assert _network(id, scale=3).module(_images(5, 7)).shape == (2, 3, 15, 21)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("id", ENLARGE)
def test_training_starts_at_the_bicubic_image(id: str, channels: int, scale: int) -> None:
    images = _images(9, 10, channels)
    output = _network(id, scale=scale, channels=channels).module(images)
    torch.testing.assert_close(output, bicubic(images, scale), rtol=0, atol=1e-6)


@pytest.mark.parametrize("id", KEEP_SIZE)
def test_training_starts_at_the_input(id: str) -> None:
    images = _images(16, 16)
    torch.testing.assert_close(_network(id).module(images), images, rtol=0, atol=0.1)


def test_the_mean_shift_still_starts_at_the_bicubic_image() -> None:
    images = _images(8, 8)
    output = _network("rcan", scale=2, mean_shift=True).module(images)
    torch.testing.assert_close(output, bicubic(images, 2), rtol=0, atol=1e-5)


@pytest.mark.parametrize("id", KEEP_SIZE + ENLARGE)
def test_input_gradients_and_input_stay_whole(id: str) -> None:
    module = _network(id).module
    _stir(module)
    images = _images(8, 8).requires_grad_()
    before = images.detach().clone()
    (module(images) - images).square().mean().backward()
    assert torch.equal(images.detach(), before)
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_mirroring() -> None:
    row = torch.arange(3.0).view(1, 1, 1, 3)
    padded = mirrored(row, 8)
    assert padded.shape == (1, 1, 8, 8)
    assert padded[0, 0, 5].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    images = _images(8, 16)
    assert mirrored(images, 8) is images


@pytest.mark.parametrize(
    ("id", "io", "params", "words"),
    [
        ("nafnet", ModelIO(scale=2), {}, "does not enlarge"),
        ("imdn", ModelIO(), {"width": 18}, "that 4 divides"),
        ("rcan", ModelIO(scale=5), {}, "another scale"),
        ("rcan", ModelIO(), {"width": 8, "reduction": 16}, "lower it"),
        ("rcan", ModelIO(channels=1), {"mean_shift": True}, "switch it off"),
        ("swinir", ModelIO(), {"width": 16, "heads": 3}, "multiple of 3"),
    ],
)
def test_what_does_not_fit_says_what_to_change(
    id: str, io: ModelIO, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        build_network(NetworkConfig(id=id, params=params), io, seed=0)


@pytest.mark.parametrize("id", KEEP_SIZE)
def test_a_few_steps_brighten(id: str) -> None:
    """Each learns something simple at once: nothing is dead at its start."""
    clean = bicubic(_images(4, 4), 4).clamp(0, 1) * 0.5 + 0.4
    dark = clean * 0.6
    module = _network(id).module
    optimizer = torch.optim.Adam(module.parameters(), 5e-3)
    first = (dark - clean).square().mean().item()
    for _ in range(60):
        loss = (module(dark) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first
