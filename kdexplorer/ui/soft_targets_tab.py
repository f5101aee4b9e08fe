"""The *Soft targets* tab: what temperature does to what the networks say."""

from __future__ import annotations

import gradio as gr

from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def soft_targets(endpoints: Endpoints) -> gr.HTML:
    return panel("soft_targets.js", server=(endpoints.preview,), elem_id="kdx-soft-targets")
