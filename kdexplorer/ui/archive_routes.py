"""Exported runs over the wire: one address a run to save it from, one server function to bring it in."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from kdexplorer.home import upload_path
from kdexplorer.params import ConfigError
from kdexplorer.runs.archive import export_run, import_run
from kdexplorer.runs.manager import hash_of
from kdexplorer.runs.store import Store
from kdexplorer.ui.answers import answers, text, token_of
from kdexplorer.ui.uploads import keep_upload


class Archives:
    """Export and import of runs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._one = threading.Lock()  # drawing figures takes a core for a second

    @answers
    def take(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{path, token} → {run}: adds the exported run that the browser has just sent."""
        owner = hash_of(token_of(query))
        kept = upload_path(keep_upload(text(query, "path", 1000), "run")["id"])
        try:
            return {"run": import_run(self.store, kept, owner=owner)}
        finally:
            kept.unlink(missing_ok=True)

    def routes(self) -> list[BaseRoute]:
        """`kdx/export/<run id>.zip`: whoever can see a run can save it."""
        return [Route("/kdx/export/{run_id}.zip", self._send)]

    def _send(self, request: Request) -> Response:
        handle, name = tempfile.mkstemp(suffix=".zip")
        file = Path(name)
        try:
            run_id = str(request.path_params["run_id"])
            with self._one, os.fdopen(handle, "wb") as opened:
                export_run(self.store, run_id, opened)
        except ConfigError as error:
            file.unlink(missing_ok=True)
            return PlainTextResponse(str(error), status_code=404)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        done = BackgroundTask(file.unlink, missing_ok=True)
        return FileResponse(
            file, media_type="application/zip", filename=f"kdexplorer-{run_id}.zip", background=done
        )
