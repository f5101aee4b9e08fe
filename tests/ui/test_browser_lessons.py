"""Lessons in a real browser: every step of each, in both languages; one taken to its end."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from kdexplorer.lessons import lesson, lessons

NEEDS_A_RUN = ("bias", "tab", "status", "quality", "losses", "verdict", "knobs", "preview")


@pytest.mark.parametrize("id", lessons())
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lesson_opens_from_its_link_and_shows_every_step(visitor, id, language):
    found = lesson(id, language)
    person = visitor(locale={"en": "en-GB", "zh": "zh-CN"}[language])
    page = person.visit(f"?lesson={id}")
    card = page.locator(".k-lesson")
    for number, step in enumerate(found["steps"], 1):
        expect(card.locator("h2")).to_have_text(step["title"])
        expect(card.locator(".k-lesson-text")).to_have_text(step["text"])
        assert f"step={number}" in page.url
        if step["tab"]:
            assert page.evaluate("document.documentElement.dataset.tab") == step["tab"]
        if step["at"] and step["at"] not in NEEDS_A_RUN:
            page.locator(".k-spot").wait_for()
        card.locator(".k-strong").click()
    expect(card).to_be_hidden()
    assert "lesson=" not in page.url


def test_a_lesson_is_taken_to_its_end(visitor):
    page = visitor().visit("?lesson=unseen_digit")
    card = page.locator(".k-lesson")
    card.get_by_role("button", name="Fill in the settings").click()
    expect(card.locator(".k-lesson-state")).to_have_text("The form holds these settings now.")
    page.evaluate("window.kdx.form.config().training.steps = 250")  # a few seconds of it
    card.get_by_role("button", name="Next").click()
    card.get_by_role("button", name="Press it for me").click()
    expect(card.locator(".k-lesson-state")).to_have_text("Done. Go on when you like.")
    card.get_by_role("button", name="Next").click()
    page.wait_for_function("window.kdx.live.run()?.over")
    expect(card.locator(".k-lesson-state")).to_have_text("Done. Go on when you like.")
    card.get_by_role("button", name="Next").click()
    page.locator(".k-bias.k-spot").wait_for()


def test_the_menu_opens_lessons_and_escape_ends_them(visitor):
    page = visitor().visit()
    page.get_by_role("button", name="Lessons").click()
    expect(page.locator("[data-lesson]")).to_have_count(len(lessons()))
    page.locator("[data-lesson=temperature]").click()
    expect(page.locator(".k-lesson h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".k-lesson")).to_be_hidden()
    assert page.locator(".k-spot").count() == 0


@pytest.mark.parametrize("id", ["nonsense", "<script>alert(1)</script>", "../../etc/passwd"])
def test_an_unknown_lesson_is_said(visitor, id):
    page = visitor().visit(f"?lesson={id}")
    if id == "nonsense":
        expect(page.locator(".k-lesson")).to_contain_text("There is no lesson")
    else:
        page.wait_for_timeout(500)
        expect(page.locator(".k-lesson")).to_be_hidden()
