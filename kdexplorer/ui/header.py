"""The line on top: the name, and what concerns the whole page."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.panel import panel


def header() -> gr.HTML:
    return panel("header.js", elem_id="kdx-header")
