"""The pictures of previews over the wire: each has an address of its own, and a browser keeps what it has seen."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from kdexplorer.params import ConfigError
from kdexplorer.preview_pictures import picture_path
from kdexplorer.runs.store import Store

PREFIX = "kdx/picture"  # relative to the page


def prefix_of(run_id: str) -> str:
    """What stands before the name of a picture of this run in its address."""
    return f"{PREFIX}/{run_id}/"


class Pictures:
    """Pictures of runs, open to everybody who knows a run's id, as its previews are."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self) -> list[BaseRoute]:
        """`kdx/picture/<run id>/<name>`."""
        return [Route(f"/{PREFIX}/{{run_id}}/{{name}}", self._send)]

    def _send(self, request: Request) -> Response:
        try:
            folder = self.store.folder(str(request.path_params["run_id"]))
        except ConfigError as error:
            return PlainTextResponse(str(error), status_code=404)
        path = picture_path(folder, str(request.path_params["name"]))
        if path is None or not path.is_file():
            return PlainTextResponse("The pictures of this step are gone.", status_code=404)
        kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="image/png", headers=kept)
