"""torchvision's classifiers by name; torchvision itself is imported when one is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from kdexplorer.models.foreign import Foreign
from kdexplorer.models.normalization import IMAGENET
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import deepest_map, numbered
from kdexplorer.params import ConfigError


def _builder(name: str) -> Callable[[Mapping[str, Any], ModelIO], nn.Module]:
    def build(params: Mapping[str, Any], io: ModelIO) -> nn.Module:
        from torchvision.models import get_model

        return Foreign(get_model(name, weights=None, num_classes=io.classes), *IMAGENET)

    return build


def _hub(name: str) -> Callable[[Mapping[str, Any], ModelIO], Mapping[str, Tensor]]:
    def download(params: Mapping[str, Any], io: ModelIO) -> Mapping[str, Tensor]:
        from torchvision.models import get_model_weights

        weights = get_model_weights(name).DEFAULT
        try:
            state: Mapping[str, Tensor] = weights.get_state_dict(
                progress=False, check_hash=True, weights_only=True
            )
        except (OSError, RuntimeError) as error:
            raise ConfigError(
                f"The pretrained weights of {name} could not be downloaded ({error}): "
                "check the network, or choose bundled weights or a file."
            ) from None
        return state

    return download


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    if io.channels not in (1, 3):
        return f"it takes gray or colour images, not {io.channels} channels."
    if 0 < io.size < 32:
        return f"it needs images of at least 32 × 32 pixels, not {io.size}."
    return None


def _add(id: str, title: str, summary: str, paper: str, layers: tuple[tuple[str, int], ...]) -> None:
    """Register a model; `layers` are (path, stride) of its stages."""
    inside = tuple((f"net.{path}", stride) for path, stride in layers)
    MODELS.add(
        ModelSpec(
            id=id,
            title=title,
            order=80,
            summary=summary,
            tasks=("classification",),
            paper=paper,
            build=_builder(id),
            stages=lambda params, io: numbered([path for path, _ in inside]),
            attribution_layer=lambda params, io: deepest_map(inside, io.size),
            fits=_fits,
            pretrained=True,
            hub=_hub(id),
        )
    )


_RESNET = (("layer1", 4), ("layer2", 8), ("layer3", 16), ("layer4", 32))
_EFFICIENTNET = (("features.2", 4), ("features.3", 8), ("features.5", 16), ("features.8", 32))

_add(
    "resnet18",
    "ResNet-18",
    "Residual network of 11.7 M parameters at 1,000 classes.",
    "arXiv 1512.03385",
    _RESNET,
)
_add(
    "resnet50",
    "ResNet-50",
    "Residual network of 25.6 M parameters at 1,000 classes.",
    "arXiv 1512.03385",
    _RESNET,
)
_add(
    "mobilenet_v2",
    "MobileNetV2",
    "Inverted residual blocks, 3.5 M parameters at 1,000 classes.",
    "arXiv 1801.04381",
    (("features.3", 4), ("features.6", 8), ("features.13", 16), ("features.18", 32)),
)
_add(
    "mobilenet_v3_small",
    "MobileNetV3 small",
    "Searched for phones, 2.5 M parameters at 1,000 classes.",
    "arXiv 1905.02244",
    (("features.1", 4), ("features.3", 8), ("features.8", 16), ("features.12", 32)),
)
_add(
    "efficientnet_b0",
    "EfficientNet-B0",
    "Depth, width and resolution scaled together, 5.3 M parameters at 1,000 classes.",
    "arXiv 1905.11946",
    _EFFICIENTNET,
)
_add(
    "efficientnet_b4",
    "EfficientNet-B4",
    "The same, scaled up to 19.3 M parameters at 1,000 classes.",
    "arXiv 1905.11946",
    _EFFICIENTNET,
)
_add(
    "vgg11",
    "VGG-11",
    "Plain convolutions and three wide linear layers, 132.9 M parameters at 1,000 classes.",
    "arXiv 1409.1556",
    (("features.4", 2), ("features.9", 4), ("features.14", 8), ("features.19", 16)),
)
