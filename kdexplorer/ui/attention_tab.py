"""The *Attention* tab: where each network looks, and how well that agrees."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def attention(endpoints: Endpoints) -> gr.HTML:
    return panel("attention_tab.js", server=(endpoints.preview,), elem_id="kdx-attention")
