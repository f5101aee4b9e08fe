"""Every variant's difference to its control with its interval, as a figure for a slide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer.metrics.comparison import fixed, shown_digits
from kdexplorer.runs.figures import as_png, axis_title, colors, tidy


def verdict_png(verdicts: Sequence[Mapping[str, Any]], started: Mapping[str, Any], step: int) -> bytes:
    """One line a variant, the best on top; 95 % intervals over images around the difference to the control."""
    from matplotlib.figure import Figure

    metric = next(found for found in started["metrics"] if found["id"] == verdicts[0]["metric"])
    sign = 1 if metric["higher_is_better"] else -1
    ordered = sorted(verdicts, key=lambda verdict: sign * verdict["difference"])
    palette, digits = colors(started["variants"]), metric["digits"]
    figure = Figure(figsize=(11, 2.4 + 0.5 * len(ordered)), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="#59616b", linewidth=1.4)
    for place, verdict in enumerate(ordered):
        color = palette[verdict["variant"]]
        axes.plot([verdict["low"], verdict["high"]], [place, place], color=color, linewidth=7, alpha=0.35,
                  solid_capstyle="round")  # fmt: skip
        axes.plot(verdict["difference"], place, "o", color=color, markersize=8)
        numbers = f"{difference_text(verdict, digits)} {interval_text(verdict, digits)}"
        if verdict["better"] == verdict["worse"] == 0:
            numbers = "no difference"
        axes.annotate(numbers, (1.01, place), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)  # fmt: skip
    axes.set_yticks(range(len(ordered)), [verdict["variant"] for verdict in ordered])
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.set_xlabel(f"{axis_title(metric, difference=True)} to the control")
    tidy(axes)
    images = ordered[0]["total"]
    axes.set_title(
        f"After step {step:,}: 95 % intervals over {images} held-out images, one seed",
        loc="left",
        fontsize=11,
    )
    figure.supxlabel(metric["convention"], color="#59616b", fontsize=9)
    return as_png(figure)


def difference_text(verdict: Mapping[str, Any], digits: int) -> str:
    """A verdict's difference, in at least as many digits as its metric has."""
    return fixed(verdict["difference"], shown_digits(digits, verdict["low"], verdict["high"]), "+")


def interval_text(verdict: Mapping[str, Any], digits: int) -> str:
    """The ends of its interval in as many."""
    low, high = verdict["low"], verdict["high"]
    enough = shown_digits(digits, low, high)
    return f"[{fixed(low, enough, '+')}, {fixed(high, enough, '+')}]"
