"""Lessons in a real browser: every step of each, in both languages; one taken to its end."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from kdexplorer.lessons import lesson, lessons

WITHOUT_A_RUN = ("presets", "data", "networks", "distillation", "variants", "training", "button")
COVERED = """() => {
  const [card, spot] = ['.k-lesson', '.k-spot'].map(name => document.querySelector(name).getBoundingClientRect());
  const width = Math.min(card.right, spot.right) - Math.max(card.left, spot.left);
  const height = Math.min(card.bottom, spot.bottom) - Math.max(card.top, spot.top);
  const seen = Math.min(innerHeight, spot.bottom) - Math.max(0, spot.top);
  return [Math.max(0, width) * Math.max(0, height), seen / Math.min(spot.height, innerHeight)];
}"""


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
        if step["press"] or step["at"] in WITHOUT_A_RUN:
            page.locator(".k-spot").wait_for()
        card.locator(".k-strong").click()
    expect(card).to_be_hidden()
    assert "lesson=" not in page.url


def test_a_lesson_is_taken_to_its_end(visitor):
    page = visitor().visit("?lesson=unseen_digit")
    card = page.locator(".k-lesson")
    card.get_by_role("button", name="Fill in the settings").click()
    expect(card.locator(".k-lesson-state")).to_have_text("The form holds these settings now.")
    page.evaluate(
        """() => { const config = window.kdx.form.config();
                  config.name = 'Lesson';
                  config.training = {...config.training, steps: 60, evaluate_every: 30};
                  window.kdx.form.load(config); }"""
    )  # seconds of it
    card.get_by_role("button", name="Next").click()
    card.get_by_role("button", name="Press it for me").click()
    expect(card.locator(".k-lesson-state")).to_have_text("Done. Go on when you like.")
    card.get_by_role("button", name="Next").click()
    page.wait_for_function("window.kdx.live.run()?.over")
    expect(card.locator(".k-lesson-state")).to_have_text("Done. Go on when you like.")
    card.get_by_role("button", name="Next").click()
    page.locator(".k-bias.k-spot").wait_for()


@pytest.mark.parametrize("size", [(1440, 1000), (390, 844)])
def test_the_card_lies_beside_what_it_is_about(visitor, shared, size):
    person = visitor(locale="en-US", viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    for step in ("lesson=soft_targets&step=5", "lesson=does_it_help&step=4"):
        page = person.visit(f"?run={shared.shapes}&{step}")
        page.locator(".k-spot").wait_for()
        page.wait_for_function(
            f"() => {{ const [on, seen] = ({COVERED})(); return on === 0 && seen > 0.99; }}"
        )
        if "soft" in step:
            assert page.evaluate("window.kdx.softTargets.state().temperature") > 1
    page = person.visit(f"?run={shared.shapes}&lesson=soft_targets&step=4")
    page.wait_for_function("window.kdx.softTargets?.state().temperature === 1")
    page.locator(".k-lesson").get_by_role("button", name="Back").click()
    page.wait_for_url("**step=3**")
    page.locator("#kdx-distill.k-spot").wait_for()


def test_the_card_stays_under_a_finger(visitor, shared):
    person = visitor(locale="en-US", viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = person.visit(f"?run={shared.shapes}&lesson=soft_targets&step=5")
    page.locator(".k-spot").wait_for()
    page.wait_for_function(f"() => ({COVERED})()[0] === 0")
    page.locator(".k-lesson").get_by_role("button", name="Back").hover()
    page.mouse.down()
    side = page.locator(".k-lesson").get_attribute("data-side")
    # What the ring is about comes to lie under the card: the card would rather be elsewhere.
    page.evaluate(
        """() => { const [card, spot] = ['.k-lesson', '.k-spot'].map(name => document.querySelector(name));
                  const far = card.getBoundingClientRect().top - spot.getBoundingClientRect().top;
                  spot.style.translate = `0 ${far}px`;
                  spot.scrollIntoView = () => {}; }"""
    )
    page.wait_for_timeout(800)  # three looks
    assert page.locator(".k-lesson").get_attribute("data-side") == side
    page.mouse.up()
    page.wait_for_url("**step=4**")


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
