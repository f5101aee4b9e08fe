"""Both languages in a real browser, on a screen and on a phone: complete, kept, and nothing overflows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

TABS = ("distill", "pictures", "attention", "softTargets", "compare")
KEY = re.compile(r"^[a-z][A-Za-z]+(\.[A-Za-z0-9]+)+$")
TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.offsetParent && node.textContent.trim()) found.push(node.textContent.trim());
  }
  return found;
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_tab_reads_well(visitor, shared, language, width):
    person = visitor(
        locale={"en": "en-US", "zh": "zh-CN"}[language], viewport={"width": width, "height": 900}
    )
    page = person.visit(f"?run={shared.shapes}")
    page.wait_for_function("window.kdx.live.run()?.over")
    for tab in TABS:
        person.show(tab)
        page.wait_for_timeout(900)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        texts = page.evaluate(TEXTS)
        assert not [text for text in texts if KEY.match(text)], tab  # a key that has no text
        if language == "zh":
            names = {"input", "control", "teacher", "target", "circle", "heart", "hexagon"} & set(texts)
            assert not names, (tab, names)
            words = [text for text in texts if re.search(r"[A-Za-z]{3,} [a-z]{3,} [a-z]{2,}", text)]
            assert not words, (tab, words)
    assert page.evaluate("document.documentElement.lang") == language


def test_the_switch_keeps_the_language_and_the_run(visitor, shared):
    person = visitor(locale="en-US")
    page = person.visit(f"?run={shared.photos}")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#kdx-distill")).to_have_text("蒸馏")
    expect(page.locator("#kdx-tab-button-compare")).to_have_text("比较")
    page.wait_for_function(f"window.kdx.live.run()?.id === '{shared.photos}'")
    person.visit()
    expect(page.locator("#kdx-distill")).to_have_text("蒸馏")
    person.visit("?lang=en")
    expect(page.locator("#kdx-distill")).to_have_text("Distill")


def test_tabs_by_keyboard(visitor):
    page = visitor().visit()
    page.locator("#kdx-tab-button-distill").focus()
    for tab in (*TABS[1:], TABS[0]):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#kdx-tab-button-{tab}")).to_be_focused()
        expect(page.locator(f"#kdx-tab-{tab}")).to_be_visible()
