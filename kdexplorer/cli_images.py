"""`kdexplorer restore` and `kdexplorer evaluate`: a run's networks on one's own images."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from kdexplorer.params import ConfigError
from kdexplorer.runs.run import Run
from kdexplorer.runs.store import Store

RUN = "a run's id, the beginning of one, or 'latest' (default)"
Adder = Callable[..., argparse.ArgumentParser]


def add_commands(command: Adder) -> None:
    """Add both to the command line."""
    restoring = command(
        "restore", _restore, "Restore images with a run's student, files or whole folders.", of_run=False
    )
    restoring.add_argument("--run", metavar="RUN", dest="id", default="latest", help=RUN)
    restoring.add_argument(
        "--network", help="a student's name, or 'teacher' (default: the first that distils)"
    )
    restoring.add_argument("source", metavar="IN", type=Path, help="an image, or a folder of images")
    restoring.add_argument("target", metavar="OUT", type=Path, help="the image to write, or a folder")
    _add_ensemble(restoring)
    measuring = command(
        "evaluate", _evaluate, "Score all networks of a run on a folder of clean images.", of_run=False
    )
    measuring.add_argument("--run", metavar="RUN", dest="id", default="latest", help=RUN)
    measuring.add_argument("--data", metavar="FOLDER", type=Path, required=True, help="the clean images")
    measuring.add_argument(
        "--inputs", metavar="FOLDER", type=Path,
        help="degraded images of the same names (default: degrade the clean ones as the run does)",
    )  # fmt: skip
    measuring.add_argument("--quiet", action="store_true", help="no progress bar")
    _add_ensemble(measuring)


def _add_ensemble(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ensemble", action="store_true", help="average over 8 flips and turns: better, 8 times slower"
    )


def _ended(options: argparse.Namespace) -> Run:
    store = Store()
    run = store.run(store.resolve(options.id))
    if run.config.task != "restoration":
        raise ConfigError(f"Run {run.id} does not restore images: it is about {run.config.task}.")
    if run.status not in ("finished", "stopped"):
        raise ConfigError(f"Run {run.id} is {run.status}: its students are kept when it has ended.")
    return run


def _restore(options: argparse.Namespace) -> int:
    from kdexplorer.tasks.tiles import apart_words
    from kdexplorer.training.restoring import restore_file
    from kdexplorer.training.trained import trained_network

    jobs = list(_jobs(options.source, options.target))
    run = _ended(options)
    network = trained_network(run.config, run.id, options.network)
    device = next(network.module.parameters()).device
    written = []
    for source, target in jobs:
        image, apart = restore_file(
            network.module, source, target, network.io, device=device, ensemble=options.ensemble
        )
        height, width = image.shape[-2:]
        written.append(
            {"from": str(source), "to": str(target), "width": width, "height": height, "apart": apart}
        )
        if not options.json:
            print(f"{target}  {width} × {height}", flush=True)
            if words := apart_words(apart):
                print(f"  {words}", flush=True)
    if options.json:
        print(json.dumps({"run_id": run.id, "files": written}, ensure_ascii=False))
    return 0


def _jobs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """What is read and what is written; a folder's files keep their names and become PNG."""
    from kdexplorer.data.image_file import image_files

    if not source.is_dir():
        if not target.is_dir() and not target.absolute().parent.is_dir():
            raise ConfigError(f"OUT: there is no folder {target.absolute().parent}.")
        found = target / f"{source.stem}.png" if target.is_dir() else target
        _keep_apart(source, found)
        yield source, found
        return
    files = list(image_files(source))
    if not files:
        raise ConfigError(f"There is no image in {source}.")
    names = [path.stem for path in files]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{source} holds {min(twice)!r} more than once: give its images different names.")
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(f"OUT: {target} is no folder and cannot become one ({error.strerror}).") from None
    for path in files:
        found = target / f"{path.stem}.png"
        _keep_apart(path, found)
        yield path, found


def _keep_apart(source: Path, target: Path) -> None:
    if target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"OUT: {target} is the image itself: name another file or folder.")


def _evaluate(options: argparse.Namespace) -> int:
    from kdexplorer.training.folder_evaluation import evaluate_folder
    from kdexplorer.training.trained import trained_networks

    for folder in filter(None, (options.data, options.inputs)):
        if not folder.is_dir():
            raise ConfigError(f"There is no folder {folder}.")
    run = _ended(options)
    networks, notes = trained_networks(run.config, run.id)
    for note in notes:
        print(note, file=sys.stderr)
    with tqdm(unit="image", disable=options.quiet or options.json, file=sys.stderr) as bar:
        found = evaluate_folder(
            run.config, networks, options.data, inputs=options.inputs, ensemble=options.ensemble,
            shown=lambda name: bar.update(),
        )  # fmt: skip
    if options.json:
        print(
            json.dumps(
                {"run_id": run.id, "ensemble": options.ensemble, "notes": notes, **found}, ensure_ascii=False
            )
        )
    else:
        print("\n".join(_table(found)))
    return 0


def _table(found: Mapping[str, Any]) -> list[str]:
    from kdexplorer.tasks.tiles import apart_words

    names, metrics = list(found["mean"]), list(found["convention"])
    width = max(len(name) for name in names)
    lines = [f"{len(found['images'])} images"]
    for name in names:
        values = "  ".join(f"{metric} {found['mean'][name][metric]:8.4f}" for metric in metrics)
        gain = found["gain"].get(name, {}).get(metrics[0])
        words = (
            f"  {gain['difference']:+.3f} to the control (95 % {gain['low']:+.3f} … {gain['high']:+.3f})"
            if gain
            else ""
        )
        lines.append(f"{name.rjust(width)}  {values}{words}")
    said = [f"{metric}: {words}" for metric, words in found["convention"].items()]
    said += [f"{name}: {words}" for name, apart in found["apart"].items() if (words := apart_words(apart))]
    return [*lines, *said, *([found["missing"]] if found["missing"] else [])]
