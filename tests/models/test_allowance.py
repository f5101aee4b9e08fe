"""The bound on what a small file may make: by operations on their own, and by hostile checkpoints."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kdexplorer.models import allowance
from kdexplorer.models.allowance import Allowance, TooLargeError
from kdexplorer.models.spandrel_file import open_checkpoint
from kdexplorer.params import ConfigError

MIB = 2**20


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MORE_BYTES", 16 * MIB)


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.empty(5000, 1000),
        lambda: torch.zeros(5000, 1000),
        lambda: torch.ones(10).new_zeros(5000, 1000),
        lambda: torch.arange(5_000_000),
        lambda: torch.ones(10).repeat(500_000),
        lambda: torch.ones(5000, 1) - torch.ones(1, 1000),
        lambda: torch.ones(5000, 1) @ torch.ones(1, 1000),
        lambda: torch.ones(5000, 1).expand(-1, 1000).contiguous(),
        lambda: torch.cat([torch.ones(1000, 1000)] * 5),
        lambda: torch.conv2d(torch.ones(1, 1, 50, 50), torch.ones(2000, 1, 1, 1)),
        lambda: [torch.ones(1000, 1000) for _ in range(5)],
    ],
)
def test_too_much_is_not_made(make: Callable[[], object]) -> None:
    with pytest.raises(TooLargeError), Allowance([]):
        make()


def test_what_is_freed_may_be_made_again_and_views_cost_nothing() -> None:
    with Allowance([]):
        for _ in range(20):
            kept = torch.ones(3000, 1000)
            del kept
        kept = torch.ones(3000, 1000)
        views = [kept[i:].view(-1) for i in range(20)]
        assert (kept.add_(1) == 2).all()
        assert len(views) == 20


def test_tensors_that_share_what_is_stored_count_once() -> None:
    base = torch.zeros(1_000_000)
    with Allowance([base]):
        torch.ones(8_000_000)
    with pytest.raises(TooLargeError), Allowance([base[i:] for i in range(10)]):
        torch.ones(9_000_000)


def test_a_file_whose_tensors_are_one(tmp_path: Path) -> None:
    """An ESRGAN of 20 blocks in some 300 KB: every weight is a view of the same numbers."""
    width, grown = 64, 32
    base = torch.zeros(width * (width + 4 * grown) * 9)

    def view(*shape: int) -> Tensor:
        return base[: math.prod(shape)].view(*shape)

    convolutions = {"conv_first": (width, 3), "conv_last": (3, width)}
    convolutions |= dict.fromkeys(("conv_body", "conv_up1", "conv_up2", "conv_hr"), (width, width))
    for block in range(20):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                shape = (width if conv == 5 else grown, width + (conv - 1) * grown)
                convolutions[f"body.{block}.rdb{dense}.conv{conv}"] = shape
    state = {f"{name}.weight": view(*shape, 3, 3) for name, shape in convolutions.items()}
    state |= {f"{name}.bias": view(shape[0]) for name, shape in convolutions.items()}
    torch.save(state, tmp_path / "one.pth")
    assert (tmp_path / "one.pth").stat().st_size < MIB
    with pytest.raises(ConfigError, match="describes a network that is far larger than the file"):
        open_checkpoint(tmp_path / "one.pth")


def test_a_file_that_asks_for_huge_masks(tmp_path: Path) -> None:
    from spandrel.architectures.SwinIR import SwinIR

    window = 40  # the masks' sides are its square
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own use of torch
        net = SwinIR(img_size=64, window_size=8, embed_dim=6, depths=[2], num_heads=[1], upscale=2, upsampler="pixelshuffledirect")  # fmt: skip
    state = net.state_dict()
    for key in state:
        if "relative_position_index" in key:
            state[key] = torch.zeros(window**2, 1, dtype=torch.uint8)
        if "relative_position_bias_table" in key:
            state[key] = torch.zeros((2 * window - 1) ** 2, 1).half()
        if "attn_mask" in key:
            state[key] = torch.zeros(4, 1, 1)
    torch.save(state, tmp_path / "masks.pth")
    with pytest.raises(ConfigError, match="describes a network that is far larger than the file"):
        open_checkpoint(tmp_path / "masks.pth")


def test_a_file_whose_features_are_huge(tmp_path: Path) -> None:
    """Few weights from 3 to 20,000 channels and back: the first image would take hundreds of megabytes."""
    wide = 20_000
    state = {"body.0.weight": torch.zeros(wide, 3, 3, 3).half(), "body.0.bias": torch.zeros(wide).half()}
    state |= {"body.1.weight": torch.zeros(wide).half()}
    state |= {"body.2.weight": torch.zeros(12, wide, 3, 3).half(), "body.2.bias": torch.zeros(12).half()}
    torch.save(state, tmp_path / "wide.pth")
    with pytest.raises(ConfigError, match="describes a network that is far larger than the file"):
        open_checkpoint(tmp_path / "wide.pth")
