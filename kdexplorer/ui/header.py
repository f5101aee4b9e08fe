"""The line on top: the name, the last runs, the lessons, and what concerns the whole page."""

from __future__ import annotations

import gradio as gr

from kdexplorer.lessons import lessons
from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.panel import panel


def header(endpoints: Endpoints) -> gr.HTML:
    facts = {
        "lessons": [
            {"id": id, **lesson.model_dump(mode="json", include={"title", "summary", "minutes"})}
            for id, lesson in lessons().items()
        ]
    }
    return panel("header.js", facts=facts, server=(endpoints.runs, endpoints.lesson), elem_id="kdx-header")
