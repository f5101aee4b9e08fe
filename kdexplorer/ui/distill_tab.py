"""The *Distill* tab: the form beside the run it started, both drawn in the browser."""

from __future__ import annotations

from typing import Any

import gradio as gr

from kdexplorer.catalog import catalog
from kdexplorer.config import MAX_VARIANTS
from kdexplorer.runs.manager import MOST_SEEDS
from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.form import form_schema
from kdexplorer.ui.panel import panel


def run_form(endpoints: Endpoints) -> gr.HTML:
    """The sidebar: presets, the run's settings, and the one primary button."""
    limits = endpoints.manager.limits
    facts: dict[str, Any] = {
        "schema": form_schema(allow_paths=limits.allow_paths),
        "most_variants": min(limits.max_variants or MAX_VARIANTS, MAX_VARIANTS),
        "most_seeds": min(limits.runs_per_owner or MOST_SEEDS, MOST_SEEDS),
    }
    functions = (
        endpoints.start,
        endpoints.check,
        endpoints.keep,
        endpoints.runs,
        endpoints.share.link,
        endpoints.share.read,
        endpoints.share.share,
        endpoints.inspect.estimate,
        endpoints.inspect.degraded,
    )
    return panel("form.js", facts=facts, server=functions, elem_id="kdx-form")


def live_run(endpoints: Endpoints) -> gr.HTML:
    """The run: progress, curves, verdict, knobs, pictures, attention."""
    facts = {
        "knobs": _live_params(),
        "models": {entry["id"]: entry["title"] for entry in catalog()["models"]},
    }
    functions = (
        endpoints.poll,
        endpoints.preview,
        endpoints.command,
        endpoints.resume,
        endpoints.fork,
        endpoints.checkpoints,
        endpoints.family,
    )
    return panel("live.js", facts=facts, server=functions, elem_id="kdx-live")


def _live_params() -> dict[str, Any]:
    """What can be turned while a run goes on: by method its live parameters, and the config's own live fields."""
    schema = form_schema()
    methods = {
        entry["id"]: {
            "title": entry["title"],
            "params": [param for param in entry["params"] if param["live"]],
        }
        for entry in schema["catalog"]["methods"]
    }
    fields = [field for group in schema["fields"].values() for field in group]
    parts = [field for part in schema["parts"].values() for field in part]
    return {"methods": methods, "fields": {field["name"]: field for field in fields + parts if field["live"]}}
