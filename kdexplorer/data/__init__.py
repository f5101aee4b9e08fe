"""Images: sources, degradations, augmentations. Sampling a parameter is separate from applying it."""

from kdexplorer.data.spec import (
    AUGMENTATIONS,
    DEGRADATIONS,
    SOURCES,
    AugmentationSpec,
    DegradationSpec,
    LabelledData,
    LabelledImages,
    PairData,
    PhotoData,
    SourceSpec,
)

__all__ = [
    "AUGMENTATIONS",
    "DEGRADATIONS",
    "SOURCES",
    "AugmentationSpec",
    "DegradationSpec",
    "LabelledData",
    "LabelledImages",
    "PairData",
    "PhotoData",
    "SourceSpec",
]
