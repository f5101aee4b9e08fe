"""Cards are read without torch, and damaged ones are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kdexplorer.params import ConfigError
from kdexplorer.weight_file import assets_folder, bundled_weights, locate, read_card


def _file(path: Path, metadata: Any) -> Path:
    header = json.dumps({"__metadata__": metadata} if metadata is not None else {}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def _card(**facts: Any) -> dict[str, str]:
    return {"kdexplorer": json.dumps({"version": 1, "model": "mlp", "params": {}, "io": {}, **facts})}


def test_a_card_is_read(tmp_path: Path) -> None:
    card = read_card(_file(tmp_path / "a.safetensors", _card(title="One")))
    assert card == {"version": 1, "model": "mlp", "params": {}, "io": {}, "title": "One"}


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, []])
def test_files_of_others_have_no_card(tmp_path: Path, metadata: Any) -> None:
    assert read_card(_file(tmp_path / "a.safetensors", metadata)) == {}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"version": 1, "model": 3, "params": {}, "io": {}}', "[" * 100_000]
)
def test_damaged_cards(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="description inside this file is damaged"):
        read_card(_file(tmp_path / "a.safetensors", {"kdexplorer": text}))


def test_a_newer_card(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="newer version"):
        read_card(_file(tmp_path / "a.safetensors", _card(version=2)))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot open a.safetensors"):
        read_card(tmp_path / "a.safetensors")


def test_bundled_weights_have_whole_cards() -> None:
    for name, card in bundled_weights().items():
        assert locate(f"bundled:{name}") == assets_folder() / "teachers" / f"{name}.safetensors"
        assert card.keys() >= {"model", "params", "io", "parameters", "task", "scores"}


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("bundled:nothing", "no bundled teacher 'nothing'"),
        ("bundled:../teachers/x", "no bundled teacher"),
        ("file:/nowhere/at/all.safetensors", "check the path"),
        ("file:/", "check the path"),
        ("file:" + "x" * 400, "check the path|Cannot open"),
        ("http:x", "names no file"),
    ],
)
def test_what_is_not_there(weights: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        locate(weights)


def test_no_torch_is_loaded() -> None:
    code = "import sys, kdexplorer.weight_file as w; w.bundled_weights(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
