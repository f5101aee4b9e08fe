"""The *Attention* tab: where each network looks, and how well that agrees."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def attention(endpoints: Endpoints) -> gr.HTML:
    inspect = endpoints.inspect
    return panel(
        "attention_tab.js", server=(inspect.facts, inspect.attribute, inspect.align), elem_id="kdx-attention"
    )
