"""The line on top: the name, and what concerns the whole page."""

from __future__ import annotations

from kdexplorer.ui.panel import Panel
from kdexplorer.ui.words import words


def header() -> Panel:
    return Panel("header.js", facts={"words": words()}, elem_id="kdx-header")
