"""Weight files without torch: where they lie, and the card that our own ones carry.

A card is JSON in the header of a safetensors file: {"version", "model", "params", "io", "parameters"} and the
facts that its writer added ("title", "summary", "task", "classes", "scores", "recipe", …).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from kdexplorer.home import run_folder, shown_name, upload_path
from kdexplorer.params import ConfigError

CARD_KEY = "kdexplorer"  # of the header's metadata
CARD_VERSION = 1
MAX_BYTES = 2 * 1024**3
MAX_HEADER = 100_000_000
_VARIANT = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")


def assets_folder() -> Path:
    """What ships with the package: `kdexplorer/assets`, or `assets` beside it in the repository."""
    package = Path(__file__).resolve().parent
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


def bundled_weights() -> dict[str, dict[str, Any]]:
    """The cards of the bundled teachers by name.

    Raises:
        ConfigError: one of the files is damaged.
    """
    paths = sorted((assets_folder() / "teachers").glob("*.safetensors"))
    return {path.stem: read_card(path) for path in paths}


def locate(weights: str) -> Path:
    """The file that `bundled:<name>`, `file:<path>`, `upload:<id>` or `run:<id>[/<variant>]` means.

    Raises:
        ConfigError: there is no such file, or it is larger than 2 GB.
    """
    scheme, _, name = weights.partition(":")
    if scheme == "bundled":
        path = assets_folder() / "teachers" / f"{name}.safetensors"
        known = [file.stem for file in sorted(path.parent.glob("*.safetensors"))]
        if name not in known:
            raise ConfigError(
                f"There is no bundled teacher {name!r:.60}; there is: {', '.join(known) or 'none'}."
            )
    elif scheme == "file":
        path = Path(name).expanduser()
    elif scheme == "upload":
        path = _uploaded(upload_path(name))
    elif scheme == "run":
        path = _student(*name.partition("/")[::2])
    else:
        raise ConfigError(f"{weights!r:.60} names no file of weights.")
    return _usable(path, weights)


def read_card(path: Path) -> dict[str, Any]:
    """The card in the header of a safetensors file; empty where another program wrote it.

    Raises:
        ConfigError: not a safetensors file, or the card is damaged.
    """
    metadata = read_header(path).get("__metadata__")
    if not isinstance(metadata, dict) or CARD_KEY not in metadata:
        return {}
    try:
        card = json.loads(metadata[CARD_KEY])
        if not (
            isinstance(card["model"], str)
            and isinstance(card["params"], dict)
            and isinstance(card["io"], dict)
        ):
            raise TypeError
        version = int(card["version"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigError(f"{shown_name(path)}: the description inside this file is damaged.") from None
    if version > CARD_VERSION:
        raise ConfigError(
            f"{shown_name(path)}: a newer version of KD Explorer wrote this file; update to read it."
        )
    return dict(card)


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file.

    Raises:
        ConfigError: it cannot be opened, or is not a safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(MAX_HEADER, path.stat().st_size - 8):
                raise ValueError
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError
    except OSError as error:
        raise ConfigError(f"Cannot open {shown_name(path)}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{shown_name(path)} is not a safetensors file, or it is cut short.") from None
    return header


def _usable(path: Path, weights: str) -> Path:
    try:
        found, size = path.is_file(), path.stat().st_size if path.is_file() else 0
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot open {weights!r:.200}: {error}") from None
    if not found:
        raise ConfigError(f"There is no file of weights at {weights!r:.200}: check the path.")
    if size > MAX_BYTES:
        raise ConfigError(
            f"{shown_name(path)} is {size / 1024**3:.1f} GB; weights of at most 2 GB can be read."
        )
    return path


def _uploaded(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = [file for file in sorted(path.iterdir()) if file.is_file()]
    if len(files) != 1:
        raise ConfigError(f"This upload holds {len(files)} files: upload one file of weights.")
    return files[0]


def _student(run: str, variant: str) -> Path:
    """The weights of a run's student; without a variant, the first that is not the control."""
    folder = run_folder(run)
    students = folder / "students"
    names = [file.stem for file in sorted(students.glob("*.safetensors"))]
    if not names:
        raise ConfigError(
            f"Run {run!r} has no finished student yet: wait until it has finished, or choose another."
        )
    if variant:
        if not _VARIANT.fullmatch(variant) or variant not in names:
            raise ConfigError(f"Run {run!r} has no student {variant!r:.60}; it has: {', '.join(names)}.")
        return students / f"{variant}.safetensors"
    order = [name for name in [*_variants(folder), *names] if name in names]
    chosen = next((name for name in order if name != "control"), order[0])
    return students / f"{chosen}.safetensors"


def _variants(folder: Path) -> list[str]:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        return [str(variant["name"]) for variant in config["variants"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
