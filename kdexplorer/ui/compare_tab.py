"""The *Compare* tab: earlier runs, side by side."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def compare(endpoints: Endpoints) -> gr.HTML:
    return panel(
        "history.js", server=(endpoints.runs, endpoints.delete, endpoints.rename), elem_id="kdx-compare"
    )
