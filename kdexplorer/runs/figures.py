"""A run's curves as figures for a slide (PNG) and for a closer look without a server (HTML)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer.config import CONTROL
from kdexplorer.runs.curves import Table, losses, quality

# Okabe and Ito's colours, as on the page: teacher, distilled, control, then further variants.
TEACHER, DISTILLED, GRAY = "#0072B2", "#D55E00", "#808890"
FEW = 5  # lines of which a legend is as large as the rest
LOSSES = "Loss terms in training, unweighted"
_STYLES = (":", "-.", (0, (9, 2)), (0, (1, 4)))  # of distillation terms
_PLOTLY = {
    "-": "solid",
    "--": "dash",
    ":": "dot",
    "-.": "dashdot",
    _STYLES[2]: "longdash",
    _STYLES[3]: "1px,4px",
}
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
    left.set_title(f"{metric['title']} on held-out data")
    left.set_ylabel(axis_title(metric))
    found = _terms(losses(events), started["variants"])
    terms = _distilling(found)
    for name, term, steps, values in found:
        right.plot(steps, _numbers(values), color=palette[name], label=f"{name}: {term}", linewidth=1.5,
                   linestyle=_dash(name, term, terms))  # fmt: skip
    right.set_title(LOSSES)
    right.set_ylabel("loss")
    if _logarithmic(found):
        right.set_yscale("log")
    for axes in (left, right):
        axes.set_xlabel("step")
        tidy(axes)
        if axes.lines:
            axes.legend(
                frameon=len(axes.lines) > FEW, framealpha=0.85, fontsize=10 if len(axes.lines) <= FEW else 8
            )
    figure.suptitle(plain(title), fontsize=15)
    figure.supxlabel(metric["convention"], color="#59616b", fontsize=10)
    return as_png(figure)


def html(events: Sequence[Mapping[str, Any]], title: str) -> str:
    """The same curves as one page that zooms and hovers; it needs no network."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    started = _started(events)
    metric = started["metrics"][0]
    palette = colors(started["variants"])
    figure = make_subplots(rows=1, cols=2, subplot_titles=(f"{metric['title']} on held-out data", LOSSES))
    for name, steps, values in _lines(quality(events), metric["id"], started["variants"]):
        line = {"color": palette[name], "dash": _PLOTLY[_dash(name)]}
        figure.add_trace(go.Scatter(x=steps, y=values, name=name, line=line), row=1, col=1)
    found = _terms(losses(events), started["variants"])
    terms = _distilling(found)
    for name, term, steps, values in found:
        line = {"color": palette[name], "dash": _PLOTLY[_dash(name, term, terms)]}
        figure.add_trace(go.Scatter(x=steps, y=values, name=f"{name}: {term}", line=line), row=1, col=2)
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text=axis_title(metric), row=1, col=1)
    scale = {"type": "log", "tickformat": "~g"} if _logarithmic(found) else {}
    figure.update_yaxes(title_text="loss", row=1, col=2, **scale)
    figure.add_annotation(text=metric["convention"], xref="paper", yref="paper", x=0, y=-0.1, showarrow=False,
                          xanchor="left", yanchor="top", font={"color": "#59616b"})  # fmt: skip
    figure.update_layout(
        template="plotly_white", title=plain(title), hovermode="x unified", autosize=True, margin={"b": 110}
    )
    text: str = figure.to_html(
        include_plotlyjs=True, full_html=True, default_width="100%", default_height="96vh",
        config={"responsive": True},
    )  # fmt: skip
    return text


def axis_title(metric: Mapping[str, Any], *, difference: bool = False) -> str:
    """A metric with its unit; the difference of two shares is in points."""
    unit = "points" if difference and metric["unit"] == "%" else metric["unit"]
    return f"{'Δ ' if difference else ''}{metric['title']}{f' ({unit})' if unit else ''}"


def tidy(axes: Any) -> None:
    """A thin grid and no frame."""
    axes.grid(color="#eceef1")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def as_png(figure: Any) -> bytes:
    """A Matplotlib figure as the bytes of a PNG."""
    found = io.BytesIO()
    figure.savefig(found, format="png")
    return found.getvalue()


def plain(text: str) -> str:
    """Neither Plotly's HTML nor Matplotlib's formulas: a person typed it."""
    return "".join(letter for letter in text if letter not in "<>&$\\")


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


def _dash(name: str, term: str = "task", terms: Sequence[str] = ()) -> Any:
    """The control is dashed, wherever it is; each distillation term has a style of its own."""
    if term == "task":
        return "--" if name == CONTROL else "-"
    return _STYLES[terms.index(term) % len(_STYLES)]


def _distilling(found: Sequence[tuple[str, str, list[Any], list[Any]]]) -> list[str]:
    return list(dict.fromkeys(term for _, term, *_ in found if term != "task"))


def _numbers(values: Sequence[Any]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _logarithmic(found: Sequence[tuple[str, str, list[Any], list[Any]]]) -> bool:
    values = [value for *_, column in found for value in column if value is not None]
    return bool(values) and min(values) > 0
