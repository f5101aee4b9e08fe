"""Any restoration checkpoint that spandrel recognises, as a teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from kdexplorer.models.spandrel_file import open_checkpoint
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec


def _unasked(params: Mapping[str, Any], io: ModelIO) -> NoReturn:
    raise NotImplementedError("the file says what the network is")


MODELS.add(
    ModelSpec(
        id="spandrel",
        title="Any checkpoint",
        order=90,
        summary="A file of weights in an architecture that spandrel knows, such as RCAN, SwinIR, NAFNet or DRUNet: all else is read from the file.",
        tasks=("restoration",),
        build=_unasked,
        stages=_unasked,
        attribution_layer=_unasked,
        opens=open_checkpoint,
        only_teaches=True,
    )
)
