"""The *Soft targets* tab: what temperature does to what the networks say."""

from __future__ import annotations

import gradio as gr

from kdexplorer.catalog import catalog
from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel

OFFERED = "shapes"  # the preset to look at, where the open run has no classes


def soft_targets(endpoints: Endpoints) -> gr.HTML:
    preset = next(preset for preset in catalog()["presets"] if preset["id"] == OFFERED)
    facts = {"preset": {"title": preset["title"], "config": preset["config"]}}
    return panel("soft_targets.js", facts=facts, server=(endpoints.preview,), elem_id="kdx-soft-targets")
