"""Reading the outputs of inner layers while a network runs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from kdexplorer.params import ConfigError


class Features(dict[str, Tensor]):
    """Tapped outputs by module path."""

    def __missing__(self, path: str) -> Tensor:
        raise ConfigError(
            f"Layer {path!r} was not tapped, or the network never reached it: choose another layer."
        )


class Taps:
    """Collects what layers give, for the time of a `with`.

        with Taps(network, ["layer1", "layer3"]) as features:
            logits = network(images)
        features["layer3"]  # [B, C, H, W], with its graph

    The layers are looked up once; the hooks exist only inside the `with`. Of a layer that runs several times,
    the last output is kept. One `Taps` may be used again and again, but not within itself.

    Raises:
        ConfigError: a path does not exist; at the end of the `with`: a layer was not reached, gave no tensor,
            or a later operation overwrote its output in place (not detectable in inference mode).
    """

    def __init__(self, module: nn.Module, paths: Sequence[str]) -> None:
        self._layers = {path: find_layer(module, path) for path in paths}
        self._handles: list[RemovableHandle] = []
        self._features = Features()
        self._versions: dict[str, int] = {}

    def __enter__(self) -> Features:
        if self._handles:
            raise RuntimeError("these taps are open already")
        self._features = Features()
        self._versions = {}
        for path, layer in self._layers.items():
            self._handles.append(layer.register_forward_hook(self._hook(path)))
        return self._features

    def _hook(self, path: str) -> Any:
        features, versions = self._features, self._versions

        def keep(layer: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                kind = type(output).__name__
                raise ConfigError(
                    f"Layer {path!r} gives a {kind}, not one tensor: choose a layer inside or around it."
                )
            features[path] = output
            if not output.is_inference():
                versions[path] = output._version

        return keep

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if error is None:
            self._check()

    def _check(self) -> None:
        for path in self._layers:
            feature = self._features[path]  # raises where the layer was not reached
            if path in self._versions and feature._version != self._versions[path]:
                raise ConfigError(
                    f"The output of layer {path!r} is overwritten in place by a later operation: "
                    "choose the layer that contains both."
                )


def find_layer(module: nn.Module, path: str) -> nn.Module:
    """The submodule at `path`.

    Raises:
        ConfigError: there is none; names the nearest paths.
    """
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if path and path in layers:
        return layers[path]
    near = difflib.get_close_matches(path, layers, 3, 0.3) or [name for name in layers if name][:3]
    raise ConfigError(f"There is no layer {path!r}; for example: {', '.join(near)}.")
