"""The page's own words, one JSON file a language in `words/`; those of parameters live beside the parameters."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"


@cache
def words(language: str = "en") -> dict[str, str]:
    """Every text of the page by key; `{name}` is filled in by the browser."""
    texts: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return texts
