"""The files a page loads: our scripts and styles, and Plotly's script out of its Python package.

They are routes of the same server, with addresses that change with their content, so that a browser keeps them.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from kdexplorer.ui.words import FOLDER as WORDS

STATIC = Path(__file__).parent / "static"
PREFIX = "/kdx"


class Kept(StaticFiles):
    """Static files that a browser may keep for good: their address holds a digest of their content."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_kept(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                message["headers"].append((b"cache-control", b"public, max-age=31536000, immutable"))
            await send(message)

        await super().__call__(scope, receive, send_kept)  # type: ignore[arg-type]


@cache
def plotly_folder() -> Path:
    """Where Plotly's Python package keeps `plotly.min.js`; found without importing it."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("plotly is not installed: pip install plotly")
    return Path(spec.submodule_search_locations[0]) / "package_data"


@cache
def digest() -> str:
    """Changes whenever one of the page's files does."""
    found = hashlib.sha256()
    for folder in (STATIC, WORDS):
        for file in sorted(folder.iterdir()):
            found.update(file.read_bytes())
    size = (plotly_folder() / "plotly.min.js").stat().st_size
    return hashlib.sha256(found.digest() + str(size).encode()).hexdigest()[:12]


def script(name: str) -> str:
    """The address of one of our scripts, relative to the page."""
    return f"{PREFIX[1:]}/{digest()}/page/{name}"


def words_file(language: str) -> str:
    """The address of a language's words, relative to the page."""
    return f"{PREFIX[1:]}/{digest()}/words/{language}.json"


def plotly_script() -> str:
    """The address of Plotly's script, relative to the page."""
    return f"{PREFIX[1:]}/{digest()}/plotly/plotly.min.js"


def styles() -> list[Path]:
    """All style sheets: the page's base first, what narrow screens change last."""
    order = {"base": 0, "narrow": 2}
    return sorted(STATIC.glob("*.css"), key=lambda file: (order.get(file.stem, 1), file.stem))


def preloads() -> str:
    """Links that fetch all our modules at once, instead of one level of imports after the other."""
    return "".join(
        f'<link rel="modulepreload" href="{script(file.name)}">' for file in sorted(STATIC.glob("*.js"))
    )


def routes() -> list[BaseRoute]:
    """What the server must answer besides Gradio's own routes."""
    return [
        Mount(f"{PREFIX}/{digest()}/page", Kept(directory=STATIC)),
        Mount(f"{PREFIX}/{digest()}/words", Kept(directory=WORDS)),
        Mount(f"{PREFIX}/{digest()}/plotly", Kept(directory=plotly_folder())),
    ]
