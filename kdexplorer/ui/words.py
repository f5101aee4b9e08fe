"""The page's own words, one JSON file a language in `words/`.

A key of a file is a name (`run.pause`), or, in other languages than English, an English sentence as it stands in the
code: what parameters, methods and presets say of themselves is written once, beside them. `{name}` in such a sentence
stands for any words.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"
LANGUAGES = {"en": "EN", "zh": "中文"}  # by code, as the switch shows them


@cache
def words(language: str = "en") -> dict[str, str]:
    """Every text of the page by key; `{name}` is filled in by the browser."""
    texts: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return texts
