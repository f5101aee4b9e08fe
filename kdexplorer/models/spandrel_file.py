"""Checkpoints of other projects, recognised by spandrel: architecture, scale, channels and size rules come from the file."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdexplorer.home import shown_name
from kdexplorer.models.allowance import Allowance, TooLargeError
from kdexplorer.models.checkpoint_file import read_weights
from kdexplorer.models.foreign import without_inplace, without_randomness
from kdexplorer.models.spec import ModelIO, Opened
from kdexplorer.models.stages import by_depth
from kdexplorer.params import ConfigError

SIDE = 48  # of the image on which the layers are looked for
MOST_SCALE = 4  # of networks, of one downscaling and of pairs
MAX_INDEX = 2_000  # of a layer in a name; architectures are as deep as the largest says
TOO_LARGE = "describes a network that is far larger than the file; it cannot be used."
FEW = 3  # layers of one shape that make a trunk


class Recognised(nn.Module):
    """A network that spandrel built: [B, C, H, W] in [0, 1] → [B, C, scale·H, scale·W], for images of any size.

    Where the architecture asks for larger sides, for multiples or for squares, the image is continued by its mirror
    image and the result cut. It draws no random numbers.
    """

    def __init__(
        self,
        net: nn.Module,
        call: Callable[[nn.Module, Tensor], Tensor],
        scale: int,
        padding: Callable[[int, int], tuple[int, int]],
    ) -> None:
        super().__init__()
        self.net = without_randomness(without_inplace(net))
        self._call, self._scale, self._padding = call, scale, padding

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        right, below = self._padding(width, height)
        if not (right or below):
            return self._call(self.net, images.clone())  # some write into what they are given
        mirrored = (0, min(right, width - 1), 0, min(below, height - 1))
        images = F.pad(images, mirrored, mode="reflect")
        images = F.pad(images, (0, right - mirrored[1], 0, below - mirrored[3]), mode="replicate")
        return self._call(self.net, images)[..., : height * self._scale, : width * self._scale]


def recognise(state: Mapping[str, Tensor], name: str) -> Opened:
    """The network that a state dict belongs to; `name` is what messages call the file.

    Raises:
        ConfigError: no architecture that spandrel knows, one that needs more than an image, or one whose result has
            other channels than its input.
    """
    _check_tensors(state, name)
    allowance = Allowance(state.values())
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), allowance:
            warnings.simplefilter("ignore")  # of the architectures' own code
            found = ModelLoader(torch.device("cpu")).load_from_state_dict(dict(state))
    except UnsupportedModelError:
        raise ConfigError(
            f"{name} is of no architecture that spandrel knows: choose the network that it was saved from, "
            "or another checkpoint."
        ) from None
    except TooLargeError:
        raise ConfigError(f"{name} {TOO_LARGE}") from None
    except Exception as error:  # architectures fail in many ways on a file that only resembles theirs
        raise ConfigError(f"{name} cannot be built from its weights ({_short(error)}).") from None
    architecture = str(found.architecture.name)
    if not isinstance(found, ImageModelDescriptor):
        raise ConfigError(
            f"{name} is {architecture}, which fills in what a mask hides: choose one that takes an image alone."
        )
    channels, returned = found.input_channels, found.output_channels
    if channels not in (1, 3) or channels != returned:
        raise ConfigError(
            f"{name} is {architecture} from {channels} to {returned} channels: choose one for gray or for color images."
        )
    if found.scale > MOST_SCALE:
        raise ConfigError(
            f"{name} is {architecture} for ×{found.scale}, and nothing here enlarges more than {MOST_SCALE} times: "
            "choose another checkpoint."
        )
    if not all(bool(torch.isfinite(value).all()) for value in state.values() if value.is_floating_point()):
        raise ConfigError(f"{name} holds values that are not finite; the file cannot be used.")
    module = Recognised(found.model.float(), found._call_fn, found.scale, found.size_requirements.get_padding)
    module.eval().requires_grad_(False)
    io = ModelIO(channels=channels, scale=found.scale)
    try:
        with allowance:
            trunk = _trunk(module, io)
            alone = _alone(module, io)
    except TooLargeError:
        raise ConfigError(f"{name} {TOO_LARGE}") from None
    except Exception as error:
        raise ConfigError(f"{name} is {architecture} and does not run here ({_short(error)}).") from None
    if alone:
        raise ConfigError(
            f"{name} is {architecture}, which takes one image at a time and here several are learnt from at once: "
            "choose another checkpoint."
        )
    return Opened(module, architecture, io, by_depth(trunk), trunk[-1])


def _check_tensors(state: Mapping[str, Tensor], name: str) -> None:
    """Refuse tensors that are larger than what is stored of them, and numbers that no layer has."""
    for key, value in state.items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ConfigError(f"{name}: {key} claims more numbers than the file holds; it cannot be used.")
        if any(int(part) > MAX_INDEX for part in key.split(".") if part.isdecimal() and len(part) < 20):
            raise ConfigError(f"{name}: {key} numbers a layer beyond {MAX_INDEX}; it cannot be used.")


def open_checkpoint(path: Path) -> Opened:
    """The network in a `.safetensors` or `.pth` file; nothing in the file is executed.

    Raises:
        ConfigError: as `recognise`; or it cannot be read without running code, is damaged, or is one of our own.
    """
    state, card = read_weights(path)
    if card:
        raise ConfigError(
            f"{shown_name(path)} holds a {card['model']} of KD Explorer: choose that network and this file as its weights."
        )
    return recognise(state, shown_name(path))


def _trunk(module: Recognised, io: ModelIO) -> list[str]:
    """Paths of the convolutions that carry the features, in the order in which they run.

    Those of the largest map that at least three of them share, and that nothing overwrites later; else all.
    """
    ran: list[tuple[str, Tensor, int]] = []

    def note(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(layer: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[-2:]) > 1:
                ran.append((path, output, output._version))

        return hook

    layers = [
        (path, m) for path, m in module.named_modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    hooks = [layer.register_forward_hook(note(path)) for path, layer in layers]
    try:
        with torch.no_grad():
            output = module(torch.zeros(1, io.channels, SIDE, SIDE))
    finally:
        for hook in hooks:
            hook.remove()
    if output.shape != (1, io.channels, SIDE * io.scale, SIDE * io.scale):
        raise ValueError(f"an image of {SIDE} pixels becomes {tuple(output.shape)}")
    times = Counter(path for path, *_ in ran)
    # architectures add to their features in place; those are lost to a tap
    once = [
        (path, tuple(o.shape[1:])) for path, o, before in ran if times[path] == 1 and o._version == before
    ]
    count = Counter(shape for _, shape in once)
    shared = [shape for shape, members in count.items() if members >= FEW]
    if not once:
        raise ValueError("it has no convolution whose features could be compared")
    if not shared:
        return [path for path, _ in once]
    largest = max(shared, key=lambda shape: shape[0] * shape[1] * shape[2])
    return [path for path, shape in once if shape == largest]


def _alone(module: Recognised, io: ModelIO) -> bool:
    """Whether two images at once give something else than each of them for itself."""
    images = torch.rand(2, io.channels, SIDE // 2, SIDE // 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        apart = torch.cat([module(image[None]) for image in images])
        try:
            both = module(images)
        except RuntimeError:
            return True
    near = 1e-3 * apart.abs().max().clamp(min=1)
    return both.shape != apart.shape or bool((both - apart).abs().max() > near)


def _short(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:160]
