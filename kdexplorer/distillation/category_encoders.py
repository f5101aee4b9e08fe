"""The encoder that a term of DCKD asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdexplorer.distillation.footprint import tensor_bytes
from kdexplorer.distillation.method import Pair
from kdexplorer.distillation.vq_encoder import WIDTHS, CategoryEncoder, bundled_encoder
from kdexplorer.distillation.vqgan_encoder import BLOCKS, CHANNELS, MULTIPLIERS, vqgan_encoder
from kdexplorer.params import Param

ENCODER = Param(
    name="encoder", default="bundled", choices=("bundled", "vqgan"),
    help="bundled was trained on this project's photos and is always there; vqgan is the paper's, trained on ImageNet: "
    "put its published file into the folder weights of the home folder.",
)  # fmt: skip
LEAST = 16  # pixels of an image's side: below, nothing is left at 1/16


def category_encoder(params: Mapping[str, Any]) -> CategoryEncoder:
    """The frozen encoder that `params["encoder"]` names.

    Raises:
        ConfigError: its file is not there, or is another network's.
    """
    return vqgan_encoder() if params["encoder"] == "vqgan" else bundled_encoder()


def too_small(pair: Pair) -> str | None:
    """Images must leave something at 1/16 of their side."""
    if min(pair.student_output[1:]) < LEAST:
        return f"its encoder needs images of at least {LEAST} pixels a side: choose a larger training patch"
    return None


def feature_bytes(params: Mapping[str, Any], pair: Pair) -> int:
    """Bytes of everything that the encoder computes for one image of the pair."""
    _, height, width = pair.student_output
    large = params["encoder"] == "vqgan"
    widths = [CHANNELS * times for times in MULTIPLIERS] if large else list(WIDTHS)
    each = 6 * BLOCKS if large else 4  # maps that a level keeps for the gradient
    return sum(
        each * tensor_bytes(channels, -(-height // 2**level), -(-width // 2**level))
        for level, channels in enumerate(widths)
    )
