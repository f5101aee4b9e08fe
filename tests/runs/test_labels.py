"""What a person writes beside a run, and how runs are found by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdexplorer.config import RunConfig
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.runs import Manager, Refused, Store, UnknownRun
from kdexplorer.runs.executors import Inline

ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture
def manager(store: Store) -> Manager:
    return Manager(store, executor=Inline())


def mine(store: Store) -> str:
    from kdexplorer.runs.manager import hash_of

    return store.create(RunConfig(name="mine"), owner=hash_of(ANN))


def test_tags_are_kept_in_order_each_once(store: Store, manager: Manager) -> None:
    run = mine(store)
    assert manager.tag(run, [" to  show ", "baseline, to show", ""], actor=ANN) == ["to show", "baseline"]
    assert store.run(run).tag_list == ["to show", "baseline"]
    assert store.run(run).describe()["tags"] == ["to show", "baseline"]
    assert manager.tag(run, [], actor=ANN) == []
    assert store.run(run).tag_list == []


def test_only_the_owner_writes_and_only_so_much(store: Store, manager: Manager) -> None:
    run = mine(store)
    for act in (
        lambda: manager.tag(run, ["x"], actor=BOB),
        lambda: manager.annotate(run, "x", actor=BOB),
    ):
        with pytest.raises(Refused, match="someone else"):
            act()
    with pytest.raises(ConfigError, match="at most 12"):
        manager.tag(run, [str(n) for n in range(13)], actor=ANN)
    with pytest.raises(ConfigError, match="32 characters"):
        manager.tag(run, ["x" * 33], actor=ANN)
    with pytest.raises(ConfigError, match="2,000"):
        manager.annotate(run, "x" * 2001, actor=ANN)
    with pytest.raises(UnknownRun):
        manager.tag("00000000", ["x"], actor=ANN)
    assert (store.run(run).tags, store.run(run).note) == ("", "")


def test_a_note_is_plain_text(store: Store, manager: Manager) -> None:
    run = mine(store)
    manager.annotate(run, " <b>2 lines</b>\n'; DROP TABLE runs; -- ", actor=ANN)
    assert store.run(run).note == "<b>2 lines</b>\n'; DROP TABLE runs; --"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", {"denoise", "digits", "mine"}),
        ("Denoise", {"denoise"}),
        ("SOFT_targets", {"digits"}),
        ("classification tiny_cnn", {"digits"}),
        ("restoration queued", {"denoise", "mine"}),
        ("wall", {"denoise"}),
        ("50%", {"mine"}),
        ("5_%", set()),
        ("!", set()),
        ("' OR 1=1", set()),
    ],
)
def test_runs_are_found_by_all_their_words(store: Store, words: str, found: set[str]) -> None:
    ids = {
        "denoise": store.create(preset_config("denoise")),
        "digits": store.create(preset_config("digits_without_3")),
        "mine": mine(store),
    }
    store.label(ids["denoise"], tags=["for the wall"])
    store.label(ids["mine"], note="50% of the steps")
    assert {run.id for run in store.runs(search=words)} == {ids[name] for name in found}
    assert store.count(words) == len(found)


def test_a_batch_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.database.connection().execute("CREATE TRIGGER no BEFORE INSERT ON runs WHEN NEW.name = 'bad' "
                                        "BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END")  # fmt: skip
    with pytest.raises(ConfigError):
        store.create_batch([RunConfig(name="good"), RunConfig(name="bad")])
    assert store.runs() == []
    assert list((tmp_path / "runs").iterdir()) == []
