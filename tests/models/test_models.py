"""Every model family keeps the promises of `ModelSpec`."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from torch import nn

from kdexplorer.config import NetworkConfig
from kdexplorer.models import MODELS, ModelIO
from kdexplorer.models.build import Network, build_network, count_parameters
from kdexplorer.models.taps import Taps
from kdexplorer.params import ConfigError

RESTORATION = [ModelIO(scale=scale, channels=channels) for scale in (1, 2, 3, 4) for channels in (1, 3)]
CLASSIFICATION = [
    ModelIO(classes=10, size=size, channels=channels) for size, channels in ((8, 1), (32, 3), (64, 1))
]


def _fitting() -> list[tuple[str, ModelIO]]:
    pairs = []
    for spec in MODELS:
        if spec.opens is not None:  # what a file describes: see test_spandrel_file.py
            continue
        ios = RESTORATION if "restoration" in spec.tasks else CLASSIFICATION
        pairs += [(spec.id, io) for io in ios if spec.fits(spec.check({}), io) is None]
    return pairs


FITTING = _fitting()
FOREIGN = ("resnet18", "mobilenet_v3_small", "timm_mobilenetv3_large_100", "timm_vit_tiny_patch16_224")
FIRST = dict(reversed(FITTING))
OWN = sorted(id for id in FIRST if not MODELS[id].pretrained)
# networks of other libraries take long: a few, once each
BUILT = [(id, io) for id, io in FITTING if id in OWN or (id in FOREIGN and io == FIRST[id])]


def _build(id: str, io: ModelIO, seed: int = 0) -> Network:
    return build_network(NetworkConfig(id=id), io, seed=seed)


def _images(io: ModelIO) -> torch.Tensor:
    side = io.size or 20
    return torch.rand(
        2, io.channels, side, side if io.size else 24, generator=torch.Generator().manual_seed(1)
    )


def _name(value: object) -> str:
    if isinstance(value, ModelIO):
        return (
            f"{value.channels}x{value.size}-{value.classes}"
            if value.classes
            else f"{value.channels}-x{value.scale}"
        )
    return str(value)


def test_every_family_fits_something() -> None:
    assert {spec.id for spec in MODELS if spec.opens is None} == {id for id, _ in FITTING}


@pytest.mark.parametrize(("id", "io"), BUILT, ids=_name)
def test_output_stages_and_gradients(id: str, io: ModelIO) -> None:
    network = _build(id, io)
    images = _images(io)
    with Taps(network.module, [*network.stages.values(), network.attribution_layer]) as features:
        output = network.module(images)

    if io.classes:
        assert output.shape == (2, io.classes)
    else:
        assert output.shape == (2, io.channels, io.scale * images.shape[2], io.scale * images.shape[3])
    reached = [path for path in features if path in network.stages.values()]
    assert reached == list(network.stages.values())  # in the order in which they run
    assert all(feature.dim() in (3, 4) and len(feature) == 2 for feature in features.values())
    assert all(feature.isfinite().all() for feature in features.values())

    (output.square().mean() + sum(feature.square().mean() for feature in features.values())).backward()
    assert all(p.grad is not None for p in network.module.parameters())
    assert sum(float(p.grad.abs().sum()) for p in network.module.parameters() if p.grad is not None) > 0


@pytest.mark.parametrize(("id", "io"), BUILT, ids=_name)
def test_the_seed_decides_the_weights(id: str, io: ModelIO) -> None:
    before = torch.random.get_rng_state()
    first, second = (_build(id, io, seed=5).module.state_dict() for _ in range(2))
    other = _build(id, io, seed=6).module.state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize(
    ("id", "io"), [*BUILT, *((id, FIRST[id]) for id in FIRST if id not in OWN)], ids=_name
)
def test_counting_equals_building(id: str, io: ModelIO) -> None:
    before = torch.random.get_rng_state()
    count = count_parameters(NetworkConfig(id=id), io)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert count > 0
    if (id, io) in BUILT:
        network = _build(id, io)
        assert count == network.info.parameters == sum(p.numel() for p in network.module.parameters())
        assert network.info.model == id


@pytest.mark.parametrize(("id", "io"), BUILT, ids=_name)
def test_nothing_is_in_place_or_random(id: str, io: ModelIO) -> None:
    network = _build(id, io)
    assert not [name for name, module in network.module.named_modules() if getattr(module, "inplace", False)]
    network.module.train()
    images = _images(io)
    before = torch.random.get_rng_state()
    first, second = network.module(images), network.module(images)
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("id", [*OWN, *FOREIGN])
def test_channels_last_changes_nothing(id: str) -> None:
    io = FIRST[id]
    module = _build(id, io).module.eval()
    images = _images(io)
    with torch.inference_mode():
        plain = module(images)
        module.to(memory_format=torch.channels_last)
        torch.testing.assert_close(
            module(images.contiguous(memory_format=torch.channels_last)), plain, rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("spec", list(MODELS), ids=lambda spec: spec.id)
def test_description_and_bounds(spec) -> None:
    described = spec.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["summary"]
    assert described["tasks"]
    for param in spec.params:
        assert param.help
        if param.kind in ("int", "float"):
            assert param.minimum is not None
            assert param.maximum is not None
            assert param.check(param.default) == param.default
            with pytest.raises(ConfigError, match="between"):
                spec.check({param.name: param.maximum + 1})
            with pytest.raises(ConfigError, match="between"):
                spec.check({param.name: param.minimum - 1})


@pytest.mark.parametrize("id", OWN)
def test_every_corner_of_the_parameters_builds(id: str) -> None:
    spec = MODELS[id]
    choices = [
        (param.choices[0], param.choices[-1])
        if param.choices
        else ((False, True) if param.kind == "bool" else (param.minimum, param.maximum))
        for param in spec.params
    ]
    io = ModelIO(scale=1) if "restoration" in spec.tasks else ModelIO(classes=3, size=16)
    corners = list(itertools.product(*choices))
    if len(corners) > 16:  # both ends of all together, and of each alone
        middle = [param.default for param in spec.params]
        alone = [[*middle[:i], end, *middle[i + 1 :]] for i, ends in enumerate(choices) for end in ends]
        corners = [corners[0], corners[-1], *map(tuple, alone)]
    built = 0
    for values in corners:
        config = NetworkConfig(id=id, params={p.name: v for p, v in zip(spec.params, values, strict=True)})
        params = spec.check(config.params)
        if spec.fits(params, io):
            continue
        with torch.device("meta"):
            module = spec.build(params, io)
            images = torch.empty(2, io.channels, 16, 16)
        paths = [*spec.stages(params, io).values(), spec.attribution_layer(params, io)]
        with Taps(module, paths):
            output = module(images)
        assert output.shape == ((2, 3) if io.classes else images.shape)
        assert len(set(spec.stages(params, io).values())) == len(spec.stages(params, io)) >= 1
        built += 1
    assert built


def test_the_default_student_has_three_stages() -> None:
    assert list(_build("dncnn", ModelIO()).stages) == ["shallow", "middle", "deep"]


@pytest.mark.parametrize(
    ("id", "io", "params", "words"),
    [
        ("dncnn", ModelIO(scale=2), {}, "choose ESPCN"),
        ("edsr", ModelIO(scale=5), {}, "another scale"),
        ("dncnn", ModelIO(classes=10, size=32), {}, "not for classification"),
        ("tiny_cnn", ModelIO(), {}, "not for restoration"),
        ("mlp", ModelIO(classes=10), {}, "fixed size"),
        ("mlp", ModelIO(classes=10, size=512), {}, "at most 128"),
        ("tiny_vit", ModelIO(classes=10, size=30), {}, "another patch"),
        ("tiny_vit", ModelIO(classes=10, size=32), {"dim": 64, "heads": 3}, "multiple of 3"),
        ("tiny_vit", ModelIO(classes=10, size=64), {"patch": 1}, "larger patches"),
        ("vgg", ModelIO(classes=10, size=8), {"blocks": 4}, "choose fewer"),
        ("cifar_resnet", ModelIO(classes=10, size=4), {}, "at least 8"),
        ("cifar_resnet", ModelIO(classes=10, size=32), {"depth": 21}, "choose one of"),
        ("resnet18", ModelIO(classes=10, size=16), {}, "at least 32"),
        ("resnet18", ModelIO(classes=10, size=32, channels=4), {}, "not 4 channels"),
        ("dncnn", ModelIO(), {"width": 10**9}, "between 8 and 128"),
        ("unheard_of", ModelIO(), {}, "there is:"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    id: str, io: ModelIO, params: dict[str, int], words: str
) -> None:
    for make in (count_parameters, lambda config, io: build_network(config, io, seed=0)):
        with pytest.raises(ConfigError, match=words):
            make(NetworkConfig(id=id, params=params), io)


def test_registering_loads_no_other_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from kdexplorer.models import MODELS; len(list(MODELS));"
        "print([m for m in ('torchvision', 'timm', 'captum', 'gradio', 'spandrel') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_small_maps_move_the_attribution_layer_forward() -> None:
    for size, layer in ((8, "layer2"), (16, "layer3"), (32, "layer3")):
        assert _build("cifar_resnet", ModelIO(classes=10, size=size)).attribution_layer == layer


def test_cifar_resnet_has_the_published_number_of_parameters() -> None:
    # arXiv 1512.03385, table 6, in millions
    for depth, millions in ((20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)):
        config = NetworkConfig(id="cifar_resnet", params={"depth": depth})
        count = count_parameters(config, ModelIO(classes=10, size=32))
        assert count / 1e6 == pytest.approx(millions, rel=0.03)


def test_option_a_shortcut_subsamples_and_pads_with_zeros() -> None:
    from kdexplorer.models.families.cifar_resnet import BasicBlock

    block = BasicBlock(4, 8, 2).eval()
    nn.init.zeros_(block.bn2.weight)  # the residual is 0
    images = torch.rand(1, 4, 6, 6)
    output = block(images)
    assert torch.equal(output[:, 2:6], images[:, :, ::2, ::2])
    assert not output[:, :2].any()
    assert not output[:, 6:].any()
