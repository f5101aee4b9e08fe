"""The pictures of a run's previews: PNG files named after what they hold, so that none is kept or sent twice.

What does not change while a student learns (inputs, targets, the teacher's answers) is one file however many steps
show it, and a browser that has it never asks again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = "pictures"  # beside the previews' JSON
INLINE = 2_000  # characters of a data URI that stays where it is: a request of its own would cost as much
_URI = "data:image/png;base64,"
_NAME = re.compile(r"[0-9a-f]{32}\.png")
_REFERENCE = re.compile(rf"{FOLDER}/({_NAME.pattern})")


def picture_path(folder: Path, name: str) -> Path | None:
    """Where the run in `folder` keeps the picture of this name; None if no picture is named so."""
    return folder / "previews" / FOLDER / name if _NAME.fullmatch(name) else None


def name_of(content: bytes) -> str:
    """The name of the picture with this content."""
    return f"{hashlib.blake2b(content, digest_size=16).hexdigest()}.png"


def is_reference(value: str) -> bool:
    """Whether a preview's string stands for a picture in a file."""
    return bool(_REFERENCE.fullmatch(value))


def put_aside(preview: Any, folder: Path) -> Any:
    """The preview with a reference in place of every large picture, now a file of the run in `folder`."""

    def aside(value: str) -> str:
        if len(value) <= INLINE or not value.startswith(_URI):
            return value
        content = base64.b64decode(value[len(_URI) :])
        name = name_of(content)
        path = folder / "previews" / FOLDER / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_bytes(content)
            partial.replace(path)
        return f"{FOLDER}/{name}"

    return _each_text(preview, aside)


def addressed(preview: Any, prefix: str) -> Any:
    """The preview with `prefix` + name in place of every reference."""
    return _each_text(
        preview, lambda text: f"{prefix}{found[1]}" if (found := _REFERENCE.fullmatch(text)) else text
    )


def names_in(previews: Iterable[Path]) -> set[str]:
    """Names of the pictures that these files refer to; a file that has just gone refers to none."""
    found: set[str] = set()
    for file in previews:
        with contextlib.suppress(FileNotFoundError):
            found.update(_REFERENCE.findall(file.read_text(encoding="utf-8")))
    return found


def drop_unused(folder: Path) -> None:
    """Delete the pictures that no preview of the run in `folder` shows any more."""
    used = names_in((folder / "previews").glob("*.json"))
    for file in (folder / "previews" / FOLDER).glob("*"):
        if file.name not in used:
            file.unlink(missing_ok=True)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return value
