"""A run's curves as figures for a slide (PNG) and for a closer look without a server (HTML)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer.config import CONTROL
from kdexplorer.runs.curves import Table, losses, quality

# Okabe and Ito's colours, as on the page: teacher, distilled, control, then further variants.
TEACHER, DISTILLED, GRAY = "#0072B2", "#D55E00", "#808890"
FURTHER = ("#E69F00", "#56B4E9", "#CC79A7", "#B8A800", "#8C510A", "#5E4FA2", "#35978F")


def colors(variants: Sequence[str]) -> dict[str, str]:
    """The colour of each network by name; one colour means the same everywhere."""
    students = [name for name in variants if name != CONTROL]
    found = dict(zip(students, (DISTILLED, *FURTHER), strict=False))
    return {**found, CONTROL: GRAY, "teacher": TEACHER}


def png(events: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """Quality and loss curves side by side, 2400 × 900 pixels."""
    from matplotlib.figure import Figure  # a second to import

    started = _started(events)
    metric = started["metrics"][0]
    figure = Figure(figsize=(16, 6), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    palette = colors(started["variants"])
    for name, steps, values in _lines(quality(events), metric["id"], started["variants"]):
        left.plot(steps, values, color=palette[name], label=name, linewidth=2, linestyle=_dash(name))
    unit = f" ({metric['unit']})" if metric["unit"] else ""
    left.set_title(f"{metric['title']}{unit} on held-out data")
    for name, term, steps, values in _terms(losses(events), started["variants"]):
        right.plot(steps, values, color=palette[name], label=f"{name}: {term}", linewidth=1.5,
                   linestyle="-" if term == "task" else ":")  # fmt: skip
    right.set_title("Loss terms, unweighted")
    if all(value > 0 for line in right.lines for value in line.get_ydata()):  # type: ignore[union-attr]
        right.set_yscale("log")
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.grid(color="#eceef1")
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(frameon=False)
    figure.suptitle(_plain(title), fontsize=15)
    figure.text(0.5, -0.03, metric["convention"], ha="center", color="#59616b")
    found = io.BytesIO()
    figure.savefig(found, format="png", bbox_inches="tight")
    return found.getvalue()


def html(events: Sequence[Mapping[str, Any]], title: str) -> str:
    """The same curves as one page that zooms and hovers; it needs no network."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    started = _started(events)
    metric = started["metrics"][0]
    palette = colors(started["variants"])
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=(f"{metric['title']} {metric['unit']}".strip(), "Loss terms")
    )
    for name, steps, values in _lines(quality(events), metric["id"], started["variants"]):
        line = {"color": palette[name], "dash": "dash" if name == CONTROL else "solid"}
        figure.add_trace(go.Scatter(x=steps, y=values, name=name, line=line), row=1, col=1)
    for name, term, steps, values in _terms(losses(events), started["variants"]):
        line = {"color": palette[name], "dash": "solid" if term == "task" else "dot"}
        figure.add_trace(go.Scatter(x=steps, y=values, name=f"{name}: {term}", line=line), row=1, col=2)
    figure.update_xaxes(title_text="step")
    figure.update_layout(template="plotly_white", title=_plain(title), hovermode="x unified", height=560)
    text: str = figure.to_html(include_plotlyjs=True, full_html=True)
    return text


def _started(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next(event for event in reversed(events) if event.get("kind") == "started")


def _lines(table: Table, metric: str, variants: Sequence[str]) -> list[tuple[str, list[Any], list[Any]]]:
    """(network, steps, values) of one metric, where it was measured; the teacher is a level line."""
    found = []
    for name in (*variants, "teacher"):
        column = f"{name} {metric}"
        if column not in table.columns:
            continue
        points = [
            (s, v) for s, v in zip(table.column("step"), table.column(column), strict=True) if v is not None
        ]
        if name == "teacher":
            points = [(table.rows[0][0], points[-1][1]), (table.rows[-1][0], points[-1][1])]
        found.append((name, [s for s, _ in points], [v for _, v in points]))
    return found


def _terms(table: Table, variants: Sequence[str]) -> list[tuple[str, str, list[Any], list[Any]]]:
    found = []
    for name in variants:
        own = [c for c in table.columns if c.startswith(f"{name} ") and not c.endswith(" weight")]
        found += [(name, c.removeprefix(f"{name} "), table.column("step"), table.column(c)) for c in own]
    return found


def _dash(name: str) -> str:
    return "--" if name == CONTROL else "-"


def _plain(text: str) -> str:
    """Neither Plotly's HTML nor Matplotlib's formulas: a person typed it."""
    return "".join(letter for letter in text if letter not in "<>&$\\")
