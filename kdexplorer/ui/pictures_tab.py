"""The *Restorations / Predictions* tab: what each network makes of held-out images."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def pictures(endpoints: Endpoints) -> gr.HTML:
    return panel("pictures.js", server=(endpoints.preview,), elem_id="kdx-pictures")
