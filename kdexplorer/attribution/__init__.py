"""Where a network looks: one algorithm per file in `algorithms/`, one verb `attribute`."""

from kdexplorer.attribution.spec import ATTRIBUTIONS, AttributionSpec

__all__ = ["ATTRIBUTIONS", "AttributionSpec"]
