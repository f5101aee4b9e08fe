"""The command line: `kdexplorer app | fit | runs | show | pause | resume | step | stop | set | fork | export …`.

Exit codes: 0 done, 1 the run failed, 2 bad input, 130 aborted. What is asked for goes to stdout, the rest to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from kdexplorer import catalog
from kdexplorer.cli_images import add_commands
from kdexplorer.cli_text import Progress, entry_lines, run_line, summary_lines
from kdexplorer.commands import Command, Extend, Pause, SetKnob, Step, Stop
from kdexplorer.config import RunConfig, explain, with_values
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.runs.archive import export_run, import_run
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.report import export_student, summary
from kdexplorer.runs.store import Store

FAMILIES = (
    "tasks", "sources", "models", "methods", "degradations", "augmentations", "attributions",
    "presets", "weights",
)  # fmt: skip
RUN = "a run's id, the beginning of one, or 'latest'"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["app"]:  # it reads its own options
        from kdexplorer.ui.app import main as app

        return int(app(given[1:]) or 0)
    options = _parser().parse_args(given)
    try:
        return int(options.run(options))
    except ConfigError as error:
        print(f"kdexplorer {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kdexplorer: aborted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> Parser:
    parser = Parser(
        prog="kdexplorer", description="Explore knowledge distillation, every run beside its control."
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser, metavar="COMMAND")

    def command(name: str, run: Any, help: str, *, of_run: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        if of_run:
            added.add_argument("id", metavar="RUN", help=RUN)
        added.add_argument("--json", action="store_true", help="print JSON")
        added.set_defaults(run=run)
        return added

    commands.add_parser("app", help="Open the page in a browser; `kdexplorer app --help` lists its options.")
    fit = command("fit", _fit, "Train a run here and now, and print how it came out.", of_run=False)
    config = fit.add_mutually_exclusive_group(required=True)
    config.add_argument("--preset", metavar="ID", help="begin with a preset; see `kdexplorer list presets`")
    config.add_argument("--config", metavar="FILE", help="begin with a config.json; - reads stdin")
    config.add_argument("--code", help="begin with the code of a link")
    _add_set(fit)
    fit.add_argument("--background", action="store_true", help="queue it for a worker; print its id only")
    fit.add_argument("--quiet", action="store_true", help="no progress bar")
    fit.add_argument(
        "--export", metavar="PATH", type=Path, help="copy the student's weights there at the end"
    )
    fit.add_argument("--variant", help="which student to export (default: the first that distils)")
    runs = command("runs", _runs, "List the history, newest first.", of_run=False)
    runs.add_argument("--limit", type=int, default=20, help="how many at most (default: 20)")
    runs.add_argument(
        "--search", metavar="WORDS", default="", help="only runs with these words in name, tags, note, ids …"
    )
    show = command("show", _show, "Show a run: how far it is and how it came out.")
    show.add_argument("--export", metavar="PATH", type=Path, help="copy the student's weights there")
    show.add_argument("--variant", help="which student to export (default: the first that distils)")
    command("pause", _command, "Pause a run between two steps.").set_defaults(make=lambda o: [Pause()])
    resume = command(
        "resume", _resume, "Go on after a pause, or from the last checkpoint of a run that ended early."
    )
    resume.add_argument(
        "--more", metavar="N", type=int, help="give it N more steps; also when it has done all its steps"
    )
    step = command("step", _command, "Do some steps, then pause.")
    step.add_argument("--count", metavar="N", type=int, default=1, help="how many (default: 1)")
    step.set_defaults(make=lambda o: [Step(count=o.count)])
    command("stop", _command, "End a run here and keep everything.").set_defaults(make=lambda o: [Stop()])
    turn = command(
        "set", _command, "Turn knobs while a run goes on: learning_rate=1e-4 distilled.hint.weight=10"
    )
    turn.add_argument("knobs", nargs="+", metavar="KNOB=VALUE")
    turn.set_defaults(make=_knobs)
    fork = command(
        "fork", _fork, "Begin a new run at a run's checkpoint, with other settings; prints its id."
    )
    fork.add_argument(
        "--step", type=int, help="the last checkpoint at or before this step (default: the last one)"
    )
    _add_set(fork)
    export = command(
        "export", _export, "Write a run as a zip: config, log, curves, figures, weights, model card."
    )
    export.add_argument(
        "target", metavar="FILE", type=Path, help="the zip to write, or a folder to put it in"
    )
    command(
        "import", _import, "Add an exported run to this history; prints its id.", of_run=False
    ).add_argument("file", metavar="FILE", type=Path, help="a zip that `kdexplorer export` or the page wrote")
    add_commands(command)
    command("delete", _delete, "Remove a run and everything it wrote.")
    listing = command(
        "list", _list, "List what there is to choose from, with defaults and bounds.", of_run=False
    )
    listing.add_argument("family", choices=FAMILIES)
    return parser


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", metavar="PATH=VALUE", action="append", nargs="+", default=[],
        help="change a setting, e.g. training.steps=200 variants.0.terms.soft_targets.weight=2",
    )  # fmt: skip


def _fit(options: argparse.Namespace) -> int:
    config = _absolute(with_values(_config(options), _changes(options)))
    store = Store()
    if options.background:
        if options.export:
            raise ConfigError(
                "--export waits for the end: leave --background out, or use `kdexplorer show --export`."
            )
        return _print_id(Manager(store).start(config, actor=None), options)
    if options.export and not options.export.absolute().parent.is_dir():
        raise ConfigError(f"--export: there is no folder {options.export.absolute().parent}.")
    if options.variant and options.variant not in [variant.name for variant in config.cohort]:
        raise ConfigError(f"--variant: there is no variant {options.variant!r} in this run.")
    with Progress(config, quiet=options.quiet) as progress:
        run_id = Manager(store, executor=Inline(progress.show)).start(config, actor=None, at_once=True)
    found = summary(store, run_id)
    _print(found, options, summary_lines(found))
    if found["status"] not in ("finished", "stopped"):
        print(
            f"kdexplorer fit: {found.get('reason', '')} {found.get('advice', '')}".rstrip(), file=sys.stderr
        )
        return 1
    if options.export:
        print(f"wrote {export_student(store, run_id, options.export, options.variant)}", file=sys.stderr)
    return 0


def _config(options: argparse.Namespace) -> RunConfig:
    if options.preset is not None:
        return preset_config(options.preset)
    if options.code is not None:
        return RunConfig.from_code(options.code)
    try:
        text = sys.stdin.read() if options.config == "-" else Path(options.config).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {options.config}: {error}") from None
    return RunConfig.from_json(text)


def _absolute(config: RunConfig) -> RunConfig:
    """Its paths as the folder we stand in means them: the worker may stand in another, today or when it resumes."""

    def whole(path: str) -> str:
        return str(Path(path).expanduser().absolute())

    changes: dict[str, Any] = {
        f"data.source.params.{name}": whole(str(value))
        for name, value in config.data.source.params.items()
        if name.endswith("path") and value
    }
    for place, network in config.networks.items():
        if network.weights.startswith("file:"):
            changes[f"{place}.weights"] = f"file:{whole(network.weights.removeprefix('file:'))}"
    return with_values(config, changes)


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    return dict(_assignment(text) for group in options.set for text in group)


def _assignment(text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ConfigError(f"{text!r}: expected NAME=VALUE.")
    try:
        return path, json.loads(value)
    except json.JSONDecodeError:
        return path, value


def _knobs(options: argparse.Namespace) -> list[Command]:
    return [SetKnob(knob=knob, value=value) for knob, value in map(_assignment, options.knobs)]


def _runs(options: argparse.Namespace) -> int:
    store = Store()
    Manager(store).mourn()
    runs = store.runs(limit=max(options.limit, 1), search=options.search)
    nothing = "No run fits these words." if options.search else "No runs yet."
    _print([run.describe() for run in runs], options, [run_line(run) for run in runs] or [nothing])
    return 0


def _show(options: argparse.Namespace) -> int:
    store = Store()
    Manager(store).mourn()
    run_id = store.resolve(options.id)
    if options.export:
        print(f"wrote {export_student(store, run_id, options.export, options.variant)}", file=sys.stderr)
    run, found = store.run(run_id), summary(store, run_id)
    whole = {**found, **run.describe(), "steps": run.steps, "config": run.config.model_dump(mode="json")}
    del whole["results"]
    _print(whole, options, [run_line(run), *summary_lines(found)])
    return 0


def _command(options: argparse.Namespace) -> int:
    store = Store()
    manager, run_id = Manager(store), store.resolve(options.id)
    manager.mourn()
    try:
        commands = options.make(options)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None
    for command in commands:
        manager.command(run_id, command, actor=None)
    return _print_id(run_id, options)


def _resume(options: argparse.Namespace) -> int:
    store = Store()
    manager, run_id = Manager(store), store.resolve(options.id)
    manager.mourn()
    if options.more is not None:
        try:
            manager.command(run_id, Extend(steps=options.more), actor=None)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None
    if options.more is None or store.run(run_id).status == "paused":
        manager.resume(run_id, actor=None)
    return _print_id(run_id, options)


def _fork(options: argparse.Namespace) -> int:
    store = Store()
    run_id = store.resolve(options.id)
    child = Manager(store).fork(run_id, step=options.step, changes=_changes(options), actor=None)
    return _print_id(child, options)


def _export(options: argparse.Namespace) -> int:
    store = Store()
    run_id = store.resolve(options.id)
    target = options.target / f"kdexplorer-{run_id}.zip" if options.target.is_dir() else options.target
    export_run(store, run_id, target)
    _print({"run_id": run_id, "file": str(target)}, options, [str(target)])
    return 0


def _import(options: argparse.Namespace) -> int:
    return _print_id(import_run(Store(), options.file), options)


def _delete(options: argparse.Namespace) -> int:
    store = Store()
    manager, run_id = Manager(store), store.resolve(options.id)
    manager.mourn()
    manager.delete(run_id, actor=None)
    _print({"run_id": run_id, "status": "deleted"}, options, [f"deleted {run_id}"])
    return 0


def _list(options: argparse.Namespace) -> int:
    entries = catalog.catalog()[options.family]
    _print(entries, options, [line for entry in entries for line in entry_lines(entry)] or ["There is none."])
    return 0


def _print_id(run_id: str, options: argparse.Namespace) -> int:
    run = Store().run(run_id)
    values = {"run_id": run_id, "status": run.status, "queue_position": run.queue_position}
    _print(values, options, [run_id])
    return 0


def _print(values: Any, options: argparse.Namespace, lines: Sequence[str]) -> None:
    print(json.dumps(values, ensure_ascii=False) if options.json else "\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
