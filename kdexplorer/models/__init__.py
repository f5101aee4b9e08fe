"""Networks: one file per family in `families/`, and where weights come from in `weights.py`."""

from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec

__all__ = ["MODELS", "ModelIO", "ModelSpec"]
