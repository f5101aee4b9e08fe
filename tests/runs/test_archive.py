"""Exported runs: what is in them, that they come back whole, and that a hostile file leaves nothing behind."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from kdexplorer.config import RunConfig, with_values
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.preview_pictures import INLINE, name_of, names_in
from kdexplorer.runs import archive
from kdexplorer.runs.archive import export_run, import_run
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Store, str, Path]:
    store = Store(tmp_path_factory.mktemp("home"))
    quick = {"training.steps": 6, "training.log_every": 2, "training.evaluate_every": 3, "data.held_out": 4}
    config = with_values(preset_config("denoise"), {**quick, "name": "A <b>name</b> | 100 %"})
    run_id = Manager(store, executor=Inline()).start(config, actor=None)
    file = tmp_path_factory.mktemp("out") / "run.zip"
    export_run(store, run_id, file)
    return store, run_id, file


def rewritten(source: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """The archive with some files replaced, added or (None) left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename not in changes:
                new.writestr(info.filename, old.read(info))
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content)
    return target


def test_holds_what_a_person_needs(exported):
    store, run_id, file = exported
    with zipfile.ZipFile(file) as found:
        names = found.namelist()
        assert {"README.md", "config.json", "csv/quality.csv", "csv/losses.csv", "figures/curves.html"} <= {
            *names
        }
        assert {"students/control.safetensors", "students/distilled.safetensors"} <= {*names}
        for name in ("curves", "verdict", "pictures"):
            assert found.read(f"figures/{name}.png")[:8] == b"\x89PNG\r\n\x1a\n"
        assert RunConfig.from_json(found.read("config.json").decode()) == store.run(run_id).config
        rows = list(csv.DictReader(io.StringIO(found.read("csv/quality.csv").decode())))
        last = store.run(run_id).results
        assert float(rows[-1]["distilled psnr"]) == last["variants"]["distilled"]["psnr"]
        assert [row["step"] for row in rows] == ["0", "3", "6"]
        card = found.read("README.md").decode()
        assert f"{last['variants']['control']['psnr']:.2f}" in card
        assert "<b>" not in card
        page = found.read("figures/curves.html").decode()
        assert "<b>name" not in page
        assert 'src="http' not in page
        assert "PSNR on RGB" in page
        assert '"type":"log"' in page
        assert "unweighted" in page


def test_comes_back_whole(exported, tmp_path):
    store, run_id, file = exported
    other = Store(tmp_path)
    new_id = import_run(other, file, owner="someone")
    before, after = store.run(run_id), other.run(new_id)
    assert new_id != run_id
    assert (after.name, after.status, after.owner, after.step) == (before.name, "finished", "someone", 6)
    assert after.results == before.results
    assert after.config == before.config
    assert abs(after.created - before.created) < 1e-3
    for folder in ("previews", "students", "checkpoints"):
        names = sorted(p.name for p in (store.folder(run_id) / folder).iterdir())
        if folder == "checkpoints":
            names = names[-1:]
        assert sorted(p.name for p in (other.folder(new_id) / folder).iterdir()) == names
    again = tmp_path / "again.zip"
    export_run(other, new_id, again)
    with zipfile.ZipFile(file) as first, zipfile.ZipFile(again) as second:
        for name in ("csv/quality.csv", "csv/losses.csv", "config.json", "students/distilled.safetensors"):
            assert first.read(name) == second.read(name)


def test_pictures_travel_once_and_only_those_that_are_shown(exported, tmp_path, monkeypatch):
    store, run_id, file = exported
    with zipfile.ZipFile(file) as found:
        names = [name for name in found.namelist() if name.endswith(".png") and name.startswith("previews/")]
        texts = {
            name: found.read(name).decode() for name in found.namelist() if name.startswith("previews/0")
        }
    referred = re.findall(r"pictures/[0-9a-f]{32}\.png", "".join(texts.values()))
    assert {f"previews/{name}" for name in referred} == {*names}
    assert len(referred) > len(names)  # inputs, targets and the teacher's answers are in every preview
    assert max(len(text) for text in texts.values()) < 10 * INLINE
    monkeypatch.setattr(archive, "MAX_PREVIEWS", 2)
    few = tmp_path / "few.zip"
    export_run(store, run_id, few)
    folder = (other := Store(tmp_path / "home")).folder(import_run(other, few))
    shown = list(folder.glob("previews/[0-9]*[0-9].json"))  # the scores of all images are parts of their own
    assert len(shown) == 2
    assert {path.name for path in (folder / "previews" / "pictures").iterdir()} == names_in(shown)


def test_an_older_export_holds_its_pictures_inside(exported, tmp_path):
    with zipfile.ZipFile(exported[2]) as found:
        row = json.loads(found.read("run.json"))
        names = [name for name in found.namelist() if name.startswith("previews/pictures/")]
    inside = {"step": 1, "items": [{"panels": [{"image": "data:image/png;base64,iVBORw0KGgo="}]}]}
    changes: dict[str, bytes | None] = {
        **dict.fromkeys(names),
        "run.json": json.dumps({**row, "format": 1}).encode(),
        "previews/00000001.json": json.dumps(inside).encode(),
    }
    store = Store(tmp_path / "home")
    folder = store.folder(import_run(store, rewritten(exported[2], tmp_path / "x.zip", changes)))
    assert json.loads((folder / "previews" / "00000001.json").read_text()) == inside


def test_an_imported_run_can_be_forked(exported, tmp_path):
    _, _, file = exported
    store = Store(tmp_path)
    run_id = import_run(store, file)
    manager = Manager(store, executor=Inline())
    child = manager.fork(run_id, step=None, changes={"training.steps": 8}, actor=None)
    assert (store.run(child).status, store.run(child).step) == ("finished", 8)


def test_a_running_run_is_imported_as_ended(exported, tmp_path):
    _, _, file = exported
    with zipfile.ZipFile(file) as found:
        row = json.loads(found.read("run.json"))
    hostile = rewritten(
        file, tmp_path / "x.zip", {"run.json": json.dumps({**row, "status": "queued"}).encode()}
    )
    store = Store(tmp_path / "home")
    run = store.run(import_run(store, hostile))
    assert run.status == "interrupted"
    Manager(store, executor=Inline()).tick()
    assert store.run(run.id).status == "interrupted"


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is of this size."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")


PREVIEW = {
    "step": 1,
    "kind": "restoration",
    "items": [{"panels": [{"image": "https://elsewhere.example/x.png"}]}],
}
HOSTILE = {
    "no export": ({"run.json": None}, "not an exported run"),
    "newer": ({"run.json": b'{"format": 99}'}, "newer KD Explorer"),
    "no format": ({"run.json": b"[1]"}, "not an exported run"),
    "bad config": ({"config.json": b'{"training": {"steps": -1}}'}, "training.steps"),
    "bad log": ({"events.jsonl": b'{"kind": "nonsense"}\n'}, "log is damaged"),
    "no JSON": ({"events.jsonl": b"\xff\xfe"}, "damaged"),
    "not begun": ({"events.jsonl": b'{"kind": "queued"}\n'}, "has not begun"),
    "weights": ({"students/distilled.safetensors": b"\x80\x04cposix\nsystem\n."}, "not a safetensors file"),
    "no picture": ({f"previews/pictures/{name_of(b'<svg>')}": b"<svg>"}, "not a PNG"),
    "other picture": ({f"previews/pictures/{'0' * 32}.png": png(1, 1)}, "damaged"),
    "huge picture": ({f"previews/pictures/{name_of(png(9999, 9999))}": png(9999, 9999)}, "damaged"),
    "foreign picture": ({"previews/00000001.json": json.dumps(PREVIEW).encode()}, "not a PNG"),
    "deep": ({"previews/00000001.json": b"[" * 100_000 + b"]" * 100_000}, "damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_and_leaves_nothing(case, exported, tmp_path):
    changes, message = HOSTILE[case]
    hostile = rewritten(exported[2], tmp_path / "x.zip", changes)
    store = Store(tmp_path / "home")
    with pytest.raises(ConfigError, match=message):
        import_run(store, hostile)
    assert store.runs() == []
    assert list((tmp_path / "home" / "runs").iterdir()) == []


def test_paths_out_of_the_folder_are_left_in_the_file(exported, tmp_path):
    outside = {"../../evil.txt": b"x", "/etc/evil": b"x", "previews/../evil.json": b"{}", "worker.log": b"x"}
    hostile = rewritten(exported[2], tmp_path / "x.zip", outside)
    store = Store(tmp_path / "home")
    folder = store.folder(import_run(store, hostile))
    names = {p.relative_to(folder).parts[0] for p in folder.rglob("*")}
    assert names <= {"config.json", "previews", "students", "checkpoints"}
    assert not list(tmp_path.rglob("evil*"))


def test_a_bomb_is_refused_before_it_unpacks(exported, tmp_path, monkeypatch):
    bomb = rewritten(exported[2], tmp_path / "x.zip", {"previews/00000099.json": b" " * 3_000_000})
    store = Store(tmp_path / "home")
    monkeypatch.setattr(archive, "MAX_JSON", 2_000_000)
    with pytest.raises(ConfigError, match="too large"):
        import_run(store, bomb)
    monkeypatch.setattr(archive, "MAX_BYTES", 1_000_000)
    with pytest.raises(ConfigError, match="unpacks to more"):
        import_run(store, bomb)
    assert store.runs() == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"GIF89a"])
def test_what_is_no_zip_is_refused(content, tmp_path):
    file = tmp_path / "x.zip"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="not a zip file"):
        import_run(Store(tmp_path / "home"), file)


def test_a_run_that_has_not_begun_is_not_exported(tmp_path):
    store = Store(tmp_path)
    run_id = store.create(preset_config("denoise"))
    with pytest.raises(ConfigError, match="not begun"):
        export_run(store, run_id, tmp_path / "x.zip")
