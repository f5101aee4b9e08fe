"""Where runs and uploads live on disk."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

from kdexplorer.params import ConfigError

_UPLOADED = re.compile(r"[0-9a-f]{16}-(.*)-([0-9a-f]{6})(\.[a-z]+)")  # as `keep_upload` names files


def home() -> Path:
    """`KDX_HOME`, or the platform's folder for user data; created if missing.

    Raises:
        ConfigError: it cannot be created.
    """
    path = Path(os.environ.get("KDX_HOME") or platformdirs.user_data_dir("kdexplorer")).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot use {path}: {error.strerror}. Set KDX_HOME to a folder you can write."
        ) from None
    return path


def run_folder(run_id: str) -> Path:
    """The folder of a run; it need not exist.

    Raises:
        ConfigError: `run_id` is not of the form of a run's id.
    """
    return home() / "runs" / _safe(run_id, "a run")


PREVIEW_PARTS = ("logits", "scores")  # of a preview, each in a file of its own: most readers want neither


def preview_path(folder: Path, step: int, part: str = "") -> Path:
    """Where the run in `folder` keeps what there is to look at after `step`: one of `PREVIEW_PARTS`, or the rest.

    Raises:
        ConfigError: there is no such part.
    """
    if part and part not in PREVIEW_PARTS:
        raise ConfigError(f"part: expected {' or '.join(PREVIEW_PARTS)}.")
    return folder / "previews" / f"{step:08d}{part and '.'}{part}.json"


def upload_path(upload_id: str) -> Path:
    """The file (or folder of files) that a person uploaded.

    Raises:
        ConfigError: `upload_id` is not of the form of an upload's id.
    """
    return home() / "uploads" / _safe(upload_id, "an upload")


def shown_name(path: Path) -> str:
    """The name of a file as the person knows it who sent it: without what an upload's id adds."""
    found = _UPLOADED.fullmatch(path.name)
    if not found or path.parent.name != "uploads":
        return path.name
    name, digest, extension = found.groups()
    return (name or f"upload-{digest}") + extension  # a name may have no letter that is safe in a file


def shown_stem(path: Path) -> str:
    """`shown_name` without the extension."""
    return Path(shown_name(path)).stem


def _safe(name: str, what: str) -> str:
    if not re.fullmatch(r"[0-9a-z\-]{6,40}(\.[a-z]{2,12})?", name):
        raise ConfigError(f"{name!r:.60} is not the id of {what}.")
    return name
