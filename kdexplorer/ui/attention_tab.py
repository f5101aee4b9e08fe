"""The *Attention* tab: where each network looks, and how well that agrees."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def attention(endpoints: Endpoints) -> gr.HTML:
    inspect = endpoints.inspect
    functions = (inspect.facts, inspect.attribute, inspect.align, inspect.local)
    return panel("attention_tab.js", server=functions, elem_id="kdx-attention")
