"""The *Restorations / Predictions* tab: what each network makes of held-out images, and of a photo of one's own."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def pictures(endpoints: Endpoints) -> gr.HTML:
    inspect = endpoints.inspect
    functions = (endpoints.preview, endpoints.keep, inspect.photo, inspect.restored)
    return panel("pictures.js", server=functions, elem_id="kdx-pictures")
