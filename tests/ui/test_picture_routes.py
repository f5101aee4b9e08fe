"""Addresses of pictures: kept by browsers, open to whoever knows the run, and to nothing else on the disk."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kdexplorer.preview_pictures import put_aside
from kdexplorer.runs.store import Store
from kdexplorer.ui.picture_routes import Pictures, prefix_of

RUN = "abcdefgh"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    store = Store(tmp_path)
    with TestClient(Starlette(routes=Pictures(store).routes())) as found:
        yield found
    store.close()


def test_a_picture_is_sent_as_it_is_and_may_be_kept(client: TestClient, tmp_path: Path) -> None:
    content = os.urandom(3_000)
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    name = put_aside(uri, tmp_path / "runs" / RUN).partition("/")[2]
    answer = client.get(f"/{prefix_of(RUN)}{name}")
    assert answer.content == content
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"/{prefix_of('hgfedcba')}{name}").status_code == 404


@pytest.mark.parametrize(
    "name", ["0" * 32 + ".png", "config.json", "..%2F..%2Fconfig.json", "%00", "x" * 5000]
)
def test_nothing_else_is_sent(client: TestClient, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "runs" / RUN
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert client.get(f"/{prefix_of(RUN)}{name}").status_code == 404
    assert client.get(f"/{prefix_of('..')}{name}").status_code == 404
