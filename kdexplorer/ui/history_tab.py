"""The *History* tab: earlier runs, and the way back to each."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel
from kdexplorer.ui.words import words


def history(endpoints: Endpoints) -> gr.HTML:
    """The list of runs, newest first."""
    functions = (endpoints.runs, endpoints.delete, endpoints.rename)
    return panel("history.js", facts={"words": words()}, server=functions, elem_id="kdx-history")
