"""The *Compare* tab: earlier runs, and those chosen among them side by side."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def compare(endpoints: Endpoints) -> gr.HTML:
    asked = endpoints.compare
    functions = (
        endpoints.runs,
        endpoints.delete,
        endpoints.rename,
        asked.tag,
        asked.note,
        asked.chosen,
        asked.curves,
        asked.varied,
        endpoints.archives.take,
    )
    return panel("compare.js", server=functions, elem_id="kdx-compare")
