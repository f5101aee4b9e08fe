"""The line on top: the name, and what concerns the whole page."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.panel import panel
from kdexplorer.ui.words import words


def header() -> gr.HTML:
    return panel("header.js", facts={"words": words()}, elem_id="kdx-header")
