"""Gradio's own parts in our neutral colours; everything else is in `static/*.css`."""

from __future__ import annotations

import gradio as gr

# Okabe and Ito's colours, which colour-blind eyes tell apart. One colour, one meaning, everywhere.
ROLES = {"teacher": "#0072B2", "distilled": "#D55E00", "control": "#808890", "target": "#009E73"}
FURTHER = ("#E69F00", "#56B4E9", "#CC79A7", "#B8A800", "#8C510A", "#5E4FA2", "#35978F")

_SANS = (
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Arial",
    "sans-serif",
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """No web fonts: the page works without a network."""
    return gr.themes.Base(
        primary_hue="neutral",
        secondary_hue="neutral",
        neutral_hue="slate",
        font=list(_SANS),
        font_mono=list(_MONO),
        radius_size="sm",
        spacing_size="sm",
        text_size="sm",
    ).set(
        body_background_fill="#f4f5f7",
        body_background_fill_dark="#0e1013",
        body_text_color="#16191d",
        body_text_color_dark="#e8eaed",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
    )
