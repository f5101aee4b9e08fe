"""Networks of other libraries: their heads, their normalisation, and what happens without a network connection."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from kdexplorer.config import NetworkConfig
from kdexplorer.models import MODELS, ModelIO
from kdexplorer.models.build import Network, build_network, count_parameters
from kdexplorer.models.foreign import Foreign, without_inplace, without_randomness
from kdexplorer.models.weights import load_weights
from kdexplorer.params import ConfigError

IO = ModelIO(classes=5, size=32)


@pytest.mark.parametrize(
    ("id", "millions"),
    [
        ("resnet18", 11.69),
        ("resnet50", 25.56),
        ("mobilenet_v2", 3.50),
        ("efficientnet_b4", 19.34),
        ("vgg11", 132.86),
    ],
)
def test_published_sizes(id: str, millions: float) -> None:
    count = count_parameters(NetworkConfig(id=id), ModelIO(classes=1000, size=224))
    assert round(count / 1e6, 2) == millions


def test_images_are_normalised_and_gray_is_shown_as_colour() -> None:
    net = Foreign(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    gray = torch.full((2, 1, 4, 4), 0.5)
    torch.testing.assert_close(net(gray), torch.tensor([[0.0, 0.5, 2 / 3]]).expand(2, 3))


def test_in_place_and_random_layers_are_tamed() -> None:
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Sequential(nn.Dropout(0.5), nn.SiLU(inplace=True)))
    without_randomness(without_inplace(net)).train()
    images = torch.randn(2, 3)
    before = images.clone()
    assert torch.equal(net(images), net(images))
    assert torch.equal(images, before)


def test_an_exponent_called_p_is_no_dropout() -> None:
    assert without_randomness(nn.PairwiseDistance(2.0)).norm == 2.0
    pooling = nn.Identity()
    pooling.p = 3.0  # as in generalised-mean pooling
    assert without_randomness(pooling).p == 3.0


def _with_hub(state: Mapping[str, Tensor]) -> Network:
    network = build_network(NetworkConfig(id="resnet18"), IO, seed=0)
    return replace(network, spec=replace(network.spec, hub=lambda params, io: state))


def _library_state(classes: int) -> dict[str, Tensor]:
    from torchvision.models import resnet18

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        state: dict[str, Tensor] = resnet18(weights=None, num_classes=classes).state_dict()
    return state


def test_pretrained_weights_keep_the_body_and_say_that_the_head_is_new() -> None:
    state = _library_state(1000)
    network = _with_hub(state)
    head = network.module.state_dict()["net.fc.weight"].clone()
    notes = load_weights(network, "pretrained")
    loaded = network.module.state_dict()
    assert torch.equal(loaded["net.layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])
    assert torch.equal(loaded["net.fc.weight"], head)
    assert "the 5 here start at random" in notes[1]


def test_pretrained_weights_for_the_same_classes_load_whole() -> None:
    state = _library_state(5)
    network = _with_hub(state)
    assert len(load_weights(network, "pretrained")) == 1
    assert torch.equal(network.module.state_dict()["net.fc.weight"], state["fc.weight"])


def test_a_librarys_own_checkpoint_loads_from_a_file(tmp_path: Path) -> None:
    state = _library_state(5)
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "r18.pth")
    network = build_network(NetworkConfig(id="resnet18"), IO, seed=0)
    load_weights(network, f"file:{tmp_path / 'r18.pth'}")
    assert all(torch.equal(network.module.state_dict()[f"net.{key}"], value) for key, value in state.items())


@pytest.mark.parametrize("id", ["mobilenet_v3_small", "timm_mobilenetv3_large_100"])
def test_without_a_connection_it_says_so(id: str, tmp_path: Path) -> None:
    code = f"""
from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.models.weights import load_weights
from kdexplorer.params import ConfigError
network = build_network(NetworkConfig(id={id!r}), ModelIO(classes=5, size=32), seed=0)
try:
    load_weights(network, "pretrained")
except ConfigError as error:
    print(error)
"""
    nowhere = "http://127.0.0.1:9"  # refuses at once
    environment = {
        **os.environ, "TORCH_HOME": str(tmp_path), "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1",
        "https_proxy": nowhere, "http_proxy": nowhere, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "could not be downloaded" in done.stdout
    assert "choose bundled weights or a file" in done.stdout


@pytest.mark.parametrize(
    "name", ["hf-hub:someone/net", "local-dir:/tmp", "hf_hub:x", "nothing_like_this", "", "../x"]
)
def test_timm_takes_only_its_own_names(name: str) -> None:
    with pytest.raises(ConfigError, match="timm has no model"):
        count_parameters(NetworkConfig(id="timm", params={"name": name}), IO)


def test_timm_by_name_equals_its_entry() -> None:
    named = NetworkConfig(id="timm", params={"name": "vit_tiny_patch16_224"})
    assert count_parameters(named, IO) == count_parameters(NetworkConfig(id="timm_vit_tiny_patch16_224"), IO)


def test_timm_says_why_a_size_does_not_fit() -> None:
    config = NetworkConfig(id="timm_vit_tiny_patch16_224")
    for make in (count_parameters, lambda config, io: build_network(config, io, seed=0)):
        with pytest.raises(ConfigError, match="40 pixels do not divide into patches of 16"):
            make(config, ModelIO(classes=5, size=40))


def test_timm_layers_of_one_stride_are_spread_over_the_depth() -> None:
    spec = MODELS["timm"]
    io = ModelIO(classes=5, size=64)
    for name, stages in {
        "resnet18": ["layer1", "layer2", "layer3", "layer4"],
        "vit_tiny_patch16_224": ["blocks.2", "blocks.5", "blocks.8", "blocks.11"],
        "mixer_s32_224": ["blocks.1", "blocks.3", "blocks.5", "blocks.7"],
    }.items():
        assert list(spec.stages({"name": name}, io).values()) == [f"net.{stage}" for stage in stages]
    assert spec.attribution_layer({"name": "vit_tiny_patch16_224"}, io) == "net.blocks.11.norm1"
    with pytest.raises(ConfigError, match="channels last"):
        spec.stages({"name": "swin_tiny_patch4_window7_224"}, io)


def test_a_missing_timm_says_what_to_install() -> None:
    code = """
import sys
sys.modules["timm"] = None  # as if it were not installed
from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import count_parameters
from kdexplorer.params import ConfigError
for id in ("timm", "timm_resnet50"):
    try:
        count_parameters(NetworkConfig(id=id), ModelIO(classes=5, size=32))
    except ConfigError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("install kdexplorer[timm]") == 2


def test_who_says_pretrained_has_a_hub() -> None:
    for spec in MODELS:
        assert spec.pretrained == (spec.hub is not None)
