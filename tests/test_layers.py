"""The house: imports point down only, nothing goes round in a circle, the page loads neither torch nor too much."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kdexplorer"
# From the ground up. Rooms on one floor may look at each other, as long as no circle comes of it.
FLOORS = (
    ("params", "py.typed"),
    (
        "registry",
        "config",
        "config_fields",
        "config_objective",
        "events",
        "commands",
        "home",
        "preview_pictures",
        "weight_file",
        "metrics",
    ),
    ("presets",),
    ("lessons",),
    ("catalog",),
    ("distillation", "models", "data"),
    ("attribution", "tasks"),
    ("training",),
    ("runs",),
    ("ui", "cli_text", "cli_images"),
    ("cli",),
    ("app",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# `kdexplorer.catalog` describes the registries from a process of its own; `kdexplorer.fit` is for notebooks.
FROM_ABOVE = {
    ("kdexplorer.catalog", room) for room in ("attribution", "data", "distillation", "models", "tasks")
} | {("kdexplorer", "training")}
WITHOUT_TORCH = (
    "app", "kdexplorer", "kdexplorer.cli", "kdexplorer.catalog", "kdexplorer.config", "kdexplorer.events",
    "kdexplorer.commands", "kdexplorer.registry", "kdexplorer.params", "kdexplorer.home", "kdexplorer.presets",
    "kdexplorer.runs", "kdexplorer.runs.store", "kdexplorer.runs.manager",
)  # fmt: skip


def modules() -> dict[str, Path]:
    """All modules of the project by their dotted names."""
    found = {"app": ROOT / "app.py"}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {name: path for name, path in found.items() if path.exists()}


MODULES = modules()


def imports(path: Path, *, at_load: bool) -> Iterator[str]:
    """The absolute names that a file imports; `at_load` leaves out those in functions and for type checkers."""
    stack: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if at_load and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield whole if whole in MODULES else module
        stack.extend(ast.iter_child_nodes(node))


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "kdexplorer" else parts[0]


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(name) for name in MODULES} - {"kdexplorer"}
    assert rooms <= set(FLOOR), f"say in tests/test_layers.py where these belong: {rooms - set(FLOOR)}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    own = room_of(module)
    for name in imports(MODULES[module], at_load=False):
        if name.split(".")[0] not in ("kdexplorer", "app") or name == "kdexplorer":
            continue
        other = room_of(name)
        if other == own or (module, other) in FROM_ABOVE or module == "kdexplorer":
            continue
        assert FLOOR[other] <= FLOOR[own], f"{module} imports {name}, which lies above it"


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {
        module: {name for name in imports(path, at_load=True) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join((*way[way.index(module) :], module))
        if module not in done:
            for name in graph[module]:
                visit(name, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_no_rooms_lean_on_each_other() -> None:
    """Across rooms of one floor, imports go one way only."""
    ways = {
        (room_of(module), room_of(name))
        for module, path in MODULES.items()
        for name in imports(path, at_load=False)
        if name in MODULES and (module, room_of(name)) not in FROM_ABOVE and module != "kdexplorer"
    }
    both = {(a, b) for a, b in ways if a < b and (b, a) in ways}
    assert not both


@pytest.mark.parametrize("module", MODULES)
def test_gradio_stays_in_ui(module: str) -> None:
    if room_of(module) not in ("ui", "app"):
        assert not [
            n for n in imports(MODULES[module], at_load=False) if n.split(".")[0].startswith("gradio")
        ]


def loaded_by(module: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has loaded after importing `module`."""
    code = (
        f"import sys; import {module};"
        "print(*[n for n in ('torch', 'torchvision', 'gradio', 'captum', 'skimage', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_nothing_of_the_page_loads_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transitively: asked of real interpreters, one for all that is light and one for the page."""
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    light = [name for name in WITHOUT_TORCH if name in MODULES and name != "app"]
    assert loaded_by(", ".join(light)) == set()
    page = [name for name in MODULES if room_of(name) in ("ui", "app")]
    assert loaded_by(", ".join(page)) <= {"gradio"}
