"""timm's classifiers by name; timm itself is imported when one is built."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.models.foreign import Foreign
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import deepest_map, numbered
from kdexplorer.params import ConfigError, Param


@dataclass(frozen=True)
class _Layers:
    stages: tuple[str, ...]
    attribution: str
    attention: tuple[tuple[str, int], ...]


def _timm() -> Any:
    try:
        import timm
    except ImportError:
        raise ConfigError("This model needs timm: install kdexplorer[timm].") from None
    return timm


def _known(name: str) -> str:
    # a name such as "hf-hub:…" or "local-dir:…" would read what anyone put there
    if ":" in name or "/" in name or not _timm().is_model(name):
        raise ConfigError(f"timm has no model {name!r:.80}: choose a name that timm.list_models() gives.")
    return name


def _create(name: str, io: ModelIO, **options: Any) -> nn.Module:
    create = _timm().create_model
    if _has_fixed_size(name) and io.size:
        options["img_size"] = io.size
    try:
        model: nn.Module = create(name, in_chans=3, **options)
    except (AssertionError, TypeError, ValueError) as error:
        raise ConfigError(f"timm cannot build {name} for images of {io.size} pixels: {error}") from None
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", 1)
    side = patch if isinstance(patch, int) else patch[0]
    if io.size % side:
        raise ConfigError(f"{name}: images of {io.size} pixels do not divide into patches of {side}.")
    return model


@functools.cache
def _has_fixed_size(name: str) -> bool:
    return bool(_timm().get_pretrained_cfg_value(_known(name), "fixed_input_size"))


def _build(name: str, io: ModelIO) -> nn.Module:
    net = _create(name, io, num_classes=io.classes)
    config = _timm().data.resolve_model_data_config(net)
    return Foreign(net, config["mean"], config["std"])


def _hub(name: str, io: ModelIO) -> Mapping[str, Tensor]:
    try:
        return _create(name, io, pretrained=True).state_dict()
    except ConfigError:
        raise
    except Exception as error:  # the hub's client has dozens of kinds
        raise ConfigError(
            f"The pretrained weights of {name} could not be downloaded ({str(error)[:200]}): "
            "check the network, or choose bundled weights or a file."
        ) from None


@functools.cache
def _layers(name: str, io: ModelIO) -> _Layers:
    """What timm says of a model's layers: the last one of each stride, or four blocks where all have one stride."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = _create(name, io, num_classes=io.classes)
    if getattr(model, "output_fmt", "NCHW") == "NHWC":
        raise ConfigError(
            f"{name} keeps channels last inside, which layers here are not: choose another model."
        )
    paths = dict(model.named_modules())
    stages = [
        (str(fact["module"]), int(fact["reduction"]))
        for fact in getattr(model, "feature_info", [])
        if fact.get("module") in paths and fact["reduction"] >= 4
    ]
    if not stages:
        raise ConfigError(f"timm does not name the stages of {name}: choose another model.")
    if len({stride for _, stride in stages}) > 1:
        attribution = deepest_map(stages, io.size)
    else:
        last = stages[-1][0]
        # behind the last block only the class token has a gradient
        attribution = f"{last}.norm1" if f"{last}.norm1" in paths else last
        count = len(stages)
        stages = [stages[pick] for pick in sorted({max(count * part // 4 - 1, 0) for part in (1, 2, 3, 4)})]
    return _Layers(tuple(f"net.{path}" for path, _ in stages), f"net.{attribution}", tuple(_attention(model)))


def _attention(model: nn.Module) -> Iterator[tuple[str, int]]:
    """(path of the qkv layer, heads) of a plain vision transformer's blocks.

    What normalises or rotates the queries, or attends within windows, has other attention than its qkv tells.
    """
    if type(model).__name__ != "VisionTransformer":
        return
    for path, layer in model.named_modules():
        plain = type(layer).__name__ == "Attention" and isinstance(
            getattr(layer, "q_norm", None), nn.Identity
        )
        if plain and isinstance(getattr(layer, "qkv", None), nn.Linear):
            yield f"net.{path}.qkv", int(layer.num_heads)  # type: ignore[arg-type]


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    if io.channels not in (1, 3):
        return f"it takes gray or colour images, not {io.channels} channels."
    if 0 < io.size < 32:
        return f"it needs images of at least 32 × 32 pixels, not {io.size}."
    return None


def _add(id: str, title: str, summary: str, name: str = "") -> None:
    """Register a model; without a `name`, the person gives it."""

    def named(params: Mapping[str, Any]) -> str:
        return name or _known(str(params["name"]).strip())

    MODELS.add(
        ModelSpec(
            id=id,
            title=title,
            order=90,
            summary=summary,
            tasks=("classification",),
            params=()
            if name
            else (Param(name="name", default="resnet18", help="A name that timm.list_models() gives."),),
            build=lambda params, io: _build(named(params), io),
            stages=lambda params, io: numbered(_layers(named(params), io).stages),
            attribution_layer=lambda params, io: _layers(named(params), io).attribution,
            attention=lambda params, io: {
                f"block{index}": block for index, block in enumerate(_layers(named(params), io).attention, 1)
            },
            fits=_fits,
            pretrained=True,
            hub=lambda params, io: _hub(named(params), io),
        )
    )


_add("timm", "timm, by name", "Any classifier of timm.")
_add("timm_resnet50", "ResNet-50 (timm)", "timm's best recipe for it.", "resnet50")
_add("timm_mobilenetv3_large_100", "MobileNetV3 large (timm)", "For phones.", "mobilenetv3_large_100")
_add(
    "timm_efficientnet_b0", "EfficientNet-B0 (timm)", "Scaled depth, width and resolution.", "efficientnet_b0"
)
_add("timm_efficientnet_b4", "EfficientNet-B4 (timm)", "The same, larger.", "efficientnet_b4")
_add("timm_vit_tiny_patch16_224", "ViT tiny (timm)", "Patches of 16 pixels.", "vit_tiny_patch16_224")
_add("timm_deit_tiny_patch16_224", "DeiT tiny (timm)", "Trained with less data.", "deit_tiny_patch16_224")
