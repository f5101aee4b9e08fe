"""Lessons: each is whole, in both languages, and asks the page only for what it has."""

from __future__ import annotations

import json
import re

import pytest

from kdexplorer import lessons as module
from kdexplorer.catalog import check_config
from kdexplorer.lessons import LANGUAGES, lesson, lessons
from kdexplorer.params import ConfigError
from kdexplorer.ui.assets import STATIC

ASKED_FOR = {
    "soft_targets",
    "temperature",
    "unseen_digit",
    "does_it_help",
    "where_it_looks",
    "pixels_to_verdict",
}


def test_all_lessons_are_there_in_order():
    assert set(lessons()) >= ASKED_FOR
    assert next(iter(lessons())) == "soft_targets"


@pytest.mark.parametrize("id", lessons())
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lesson_is_whole(id, language):
    found = lesson(id, language)
    assert 5 <= len(found["steps"]) <= 7
    assert any(step["press"] for step in found["steps"])
    for step in found["steps"]:
        chinese = bool(re.search(r"[\u4e00-\u9fff]", step["text"]))
        assert chinese == (language == "zh"), step["title"]
        if step["config"]:
            check_config(module.RunConfig.from_dict(step["config"]))
    first_press = next(i for i, step in enumerate(found["steps"]) if step["press"])
    assert any(step["config"] for step in found["steps"][: first_press + 1])  # else it would start anything


def test_the_page_knows_every_place_and_tab():
    script = (STATIC / "lesson.js").read_text(encoding="utf-8")
    places = set(re.findall(r"^  (\w+): '", script, re.MULTILINE))
    assert places == set(module.Place.__args__)
    tabs = re.search(r"TABS = \[(.*?)\]", (STATIC / "browser.js").read_text(encoding="utf-8"))
    assert tabs is not None
    assert set(re.findall(r"'(\w+)'", tabs[1])) == set(module.Tab.__args__)


def test_another_language_reads_english():
    assert lesson("temperature", "fr") == lesson("temperature", "en")


@pytest.mark.parametrize("id", ["nonsense", "../presets/denoise", "", "a" * 500])
def test_an_unknown_lesson_is_refused(id):
    with pytest.raises(ConfigError, match="There is no lesson"):
        lesson(id, "en")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": []}, "steps"),
        ({"title": {"en": "only"}}, "title.zh"),
        ({"script": "alert(1)"}, "script"),
    ],
)
def test_a_broken_file_says_which_and_why(change, message, tmp_path, monkeypatch):
    whole = json.loads((module.Path(module.__file__).parent / "temperature.json").read_text("utf-8"))
    (tmp_path / "broken.json").write_text(json.dumps({**whole, **change}), "utf-8")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ConfigError, match=rf"(?s)broken\.json.*{re.escape(message)}"):
        lessons.__wrapped__()


def test_a_preset_that_is_gone_is_found(tmp_path, monkeypatch):
    whole = json.loads((module.Path(module.__file__).parent / "temperature.json").read_text("utf-8"))
    next(step for step in whole["steps"] if "config" in step)["config"]["preset"] = "gone"
    (tmp_path / "broken.json").write_text(json.dumps(whole), "utf-8")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ConfigError, match="no preset 'gone'"):
        lessons.__wrapped__()
