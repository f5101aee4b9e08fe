"""A run as one zip file: for a colleague, a slide, a model hub, or another machine's history."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from kdexplorer import __version__
from kdexplorer.config import RunConfig
from kdexplorer.events import CheckpointSaved, Event, PreviewReady, event_from_dict
from kdexplorer.home import PREVIEW_PARTS
from kdexplorer.params import ConfigError
from kdexplorer.preview_pictures import is_reference, name_of, names_in, picture_path
from kdexplorer.runs import curves
from kdexplorer.runs.checkpoints import checkpoint_steps
from kdexplorer.runs.log import append_events
from kdexplorer.runs.manager import EVERYTHING
from kdexplorer.runs.store import Store
from kdexplorer.weight_file import read_header

FORMAT = 2  # 1: pictures inside the previews
MAX_FILES = 2_000
MAX_BYTES = 1024**3  # unpacked
MAX_JSON = 64 * 1024**2  # one JSON file, unpacked
MAX_EVENTS = 300_000
MAX_PREVIEWS = 12  # spread over the run
MAX_PICTURE = 16 * 1024**2  # one picture
MAX_PIXELS = 16_000_000
MAX_CHECKPOINT = 64 * 1024**2  # a larger one stays at home
ENDED = ("finished", "stopped", "failed", "interrupted")

# Whatever else lies in a file is left there. Ids and names are of our own making.
_KEPT = re.compile(
    r"previews/(\d{8}(\.(logits|scores))?\.json|pictures/[0-9a-f]{32}\.png)|students/[a-z0-9][a-z0-9_\-]{0,31}\.safetensors"
    r"|checkpoints/\d{8}/state\.(json|safetensors)"
)
_IMAGE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]*")


def export_run(store: Store, run_id: str, target: Path | BinaryIO) -> None:
    """Write the run as a zip: config, log, curves as CSV, figures, the students' weights, a model card.

    The last checkpoint travels with it where it is small, so that the run can be forked elsewhere.

    Raises:
        ConfigError: there is no such run, it has not begun, or the file cannot be written.
    """
    run = store.run(run_id)
    folder = store.folder(run_id)
    raw = [stored.event for stored in store.events(run_id, 0, EVERYTHING)]
    started = next((event for event in reversed(raw) if event.get("kind") == "started"), None)
    if started is None:
        raise ConfigError("This run has not begun yet: there is nothing to export.")
    events = curves.effective(raw)
    students = sorted(folder.glob("students/*.safetensors"))
    row = {
        "format": FORMAT,
        "kdexplorer": __version__,
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "tags": run.tags,
        "note": run.note,
        "reason": run.reason,
        "advice": run.advice,
        "created": run.created,
        "started": run.started,
        "ended": run.ended,
    }
    from kdexplorer.runs import figures
    from kdexplorer.runs.model_card import model_card
    from kdexplorer.runs.preview_figures import preview_figures
    from kdexplorer.runs.verdict_figure import verdict_png

    last = next((e for e in reversed(events) if e.get("verdicts") and e["step"] > 0), None)
    knobs = [event for event in events if event.get("kind") == "knob"]
    texts = {
        "README.md": model_card(run, started, [file.stem for file in students], knobs),
        "config.json": json.dumps(json.loads(run.config_json), indent=2),
        "run.json": json.dumps(row, indent=2),
        "events.jsonl": "".join(json.dumps(event) + "\n" for event in raw),
        "csv/quality.csv": curves.quality(events).csv(),
        "csv/losses.csv": curves.losses(events).csv(),
        "csv/verdicts.csv": curves.verdicts(events).csv(),
        "csv/knobs.csv": curves.knobs(events).csv(),
        "figures/curves.html": figures.html(events, run.name or run.id),
    }
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in texts.items():
                archive.writestr(name, text)
            pictures = {"curves.png": figures.png(events, run.name or run.id), **preview_figures(folder)}
            if last:
                pictures["verdict.png"] = verdict_png(last["verdicts"], started, last["step"])
            for name, content in pictures.items():
                archive.writestr(f"figures/{name}", content)
            for file in [*students, *_previews(folder), *_last_checkpoint(folder)]:
                with contextlib.suppress(FileNotFoundError):  # thinned out, or replaced, a moment ago
                    archive.write(file, file.relative_to(folder).as_posix())
    except OSError as error:
        raise ConfigError(f"The export cannot be written: {error.strerror}.") from None


def _previews(folder: Path) -> list[Path]:
    """Previews spread over the run, with their parts and the pictures they show."""
    found = sorted(folder.glob(f"previews/{'[0-9]' * 8}.json"))
    if len(found) > MAX_PREVIEWS:
        found = [found[round(i * (len(found) - 1) / (MAX_PREVIEWS - 1))] for i in range(MAX_PREVIEWS)]
    parts = [file.with_suffix(f".{part}.json") for file in found for part in PREVIEW_PARTS]
    pictures = [path for name in sorted(names_in(found)) if (path := picture_path(folder, name))]
    return [*found, *filter(Path.is_file, parts), *pictures]


def _last_checkpoint(folder: Path) -> list[Path]:
    for step in reversed(checkpoint_steps(folder)):
        files = sorted((folder / "checkpoints" / f"{step:08d}").glob("state.*"))
        if len(files) == 2:
            return files if sum(file.stat().st_size for file in files) <= MAX_CHECKPOINT else []
    return []


def import_run(store: Store, source: Path, *, owner: str = "") -> str:
    """Add an exported run to this history under a new id, and return that; nothing in the file is executed.

    Raises:
        ConfigError: not an export, damaged, too large, or written by a newer version; nothing is left behind.
    """
    with _opened(source) as archive:
        row = _json(archive, "run.json")
        if not isinstance(row, Mapping) or not isinstance(row.get("format"), int):
            raise ConfigError("This file is not an exported run of KD Explorer.")
        if row["format"] > FORMAT:
            raise ConfigError("A newer KD Explorer exported this run: update to import it.")
        config = RunConfig.from_json(_text(archive, "config.json"))
        events = _events(archive)
        run_id = store.new_id()
        folder = store.folder(run_id)
        try:
            (folder / "config.json").write_text(config.to_json(indent=2), encoding="utf-8")
            for name in archive.namelist():
                if _KEPT.fullmatch(name):
                    _take_over(archive, name, folder)
            events = [event for event in events if _is_here(event, folder)]
            _insert(store, run_id, row, config, events, owner)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise ConfigError(f"The run cannot be kept: {error.strerror}. Free some space.") from None
            if isinstance(error, zipfile.BadZipFile):
                raise ConfigError("The file is damaged: export the run again.") from None
            raise
    return run_id


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile, ValueError):
        raise ConfigError("This is not a zip file, or it is damaged: choose an exported run.") from None
    with archive:
        found = archive.infolist()
        if len(found) > MAX_FILES or sum(info.file_size for info in found) > MAX_BYTES:
            raise ConfigError(f"The file unpacks to more than {MAX_FILES} files or 1 GB: it is no export.")
        if len({info.filename for info in found}) < len(found):
            raise ConfigError("The file holds two files of the same name: it is no export.")
        yield archive


def _text(archive: zipfile.ZipFile, name: str) -> str:
    """A text file of the archive; its size is bounded while it is unpacked, whatever the header says."""
    try:
        with archive.open(name) as file:
            found = file.read(MAX_JSON + 1)
    except KeyError:
        raise ConfigError(f"This file is not an exported run of KD Explorer: it has no {name}.") from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError):
        raise ConfigError(f"{name} in the file is damaged or encrypted: export the run again.") from None
    if len(found) > MAX_JSON:
        raise ConfigError(f"{name} in the file is too large.")
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{name} in the file is damaged: export the run again.") from None


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(_text(archive, name))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{name} in the file is damaged: export the run again.") from None


def _events(archive: zipfile.ZipFile) -> list[Event]:
    lines = _text(archive, "events.jsonl").splitlines()
    if len(lines) > MAX_EVENTS:
        raise ConfigError(f"The run's log has more than {MAX_EVENTS:,} entries.")
    try:
        events = [event_from_dict(json.loads(line)) for line in lines]
    except (ValueError, RecursionError):
        raise ConfigError("The run's log is damaged, or a newer KD Explorer wrote it.") from None
    if not any(getattr(event, "kind", "") == "started" for event in events):
        raise ConfigError("The run in this file has not begun: there is nothing to import.")
    return events


def _take_over(archive: zipfile.ZipFile, name: str, folder: Path) -> None:
    """Unpack one file under its own name, after a look inside."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".json"):
        found = _json(archive, name)
        if name.startswith("previews/"):
            _check_images(found)
        target.write_text(json.dumps(found, separators=(",", ":")), encoding="utf-8")
        return
    if name.endswith(".png"):
        _take_picture(archive, name, target)
        return
    left = archive.getinfo(name).file_size
    with archive.open(name) as packed, target.open("wb") as file:
        while block := packed.read(min(1 << 20, left + 1)):
            left -= len(block)
            if left < 0:
                raise ConfigError("The file is damaged: it unpacks to more than it says.")
            file.write(block)
    read_header(target)


def _take_picture(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    with archive.open(name) as packed:
        content = packed.read(MAX_PICTURE + 1)
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[12:16] != b"IHDR":
        raise ConfigError("A picture in the file is not a PNG: export the run again.")
    if name_of(content) != target.name or not 0 < width * height <= MAX_PIXELS:
        raise ConfigError("The pictures in the file are damaged.")
    target.write_bytes(content)


def _check_images(value: Any, depth: int = 0) -> None:
    """Pictures come with the file, as PNG: a page that shows them asks no other server for anything."""
    if depth > 12:
        raise ConfigError("The pictures in the file are damaged.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("image", "picture", "thumbnail", "images") and not _only_images(inner):
                raise ConfigError("A picture in the file is not a PNG: export the run again.")
            _check_images(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_images(inner, depth + 1)


def _only_images(value: Any) -> bool:
    if isinstance(value, list):
        return all(_only_images(inner) for inner in value)
    if isinstance(value, str):
        return is_reference(value) or bool(_IMAGE.fullmatch(value))
    return isinstance(value, int)


def _is_here(event: Event, folder: Path) -> bool:
    """Whether what the event speaks of came with the file: a preview, a checkpoint."""
    if isinstance(event, PreviewReady):
        return (folder / f"previews/{event.step:08d}.json").is_file()
    if isinstance(event, CheckpointSaved):
        return event.step in checkpoint_steps(folder)
    return True


def _insert(
    store: Store, run_id: str, row: Mapping[str, Any], config: RunConfig, events: list[Event], owner: str
) -> None:
    """The row and the log in one transaction: a run that is over, whatever it was where it came from."""
    status = row.get("status") if row.get("status") in ENDED else "interrupted"
    reason = _short(row.get("reason"), 500)
    if status == "interrupted" and not reason:
        reason = "It was exported while it went on."
    times = {key: _time(row.get(key)) for key in ("created", "started", "ended")}
    with store.database.writing() as connection:
        connection.execute(
            "INSERT INTO runs (id, name, status, owner, config, created, steps) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run_id, _short(row.get("name"), 80), status, owner, config.to_json(), time.time(), config.training.steps),
        )  # fmt: skip
        append_events(connection, run_id, events)
        connection.execute(
            "UPDATE runs SET status = ?, reason = ?, advice = ?, tags = ?, note = ?, parent = NULL,"
            " created = COALESCE(?, created), started = ?, ended = COALESCE(?, created) WHERE id = ?",
            (status, reason, _short(row.get("advice"), 500), _short(row.get("tags"), 200),
             _short(row.get("note"), 2000), times["created"], times["started"], times["ended"], run_id),
        )  # fmt: skip


def _short(value: Any, limit: int) -> str:
    return value.replace("\x00", "")[:limit] if isinstance(value, str) else ""


def _time(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < time.time() + 86_400
    return float(value) if good else None
