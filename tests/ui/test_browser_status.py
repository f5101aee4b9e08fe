"""The line on top of a run in a real browser: what its buttons do, whose run it is, where a dialog begins."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


def test_every_button_says_what_it_does(visitor, shared):
    page = visitor(locale="en-US").visit(f"?run={shared.shapes}")
    page.wait_for_function("window.kdx.live.run()?.over")
    buttons = page.locator(".k-actions > .k-button")
    for button in buttons.all():
        expect(button).to_have_attribute("title", button.evaluate("node => document.getElementById(node.getAttribute('aria-describedby')).textContent"))  # fmt: skip
        assert button.get_attribute("title")
    page.get_by_role("button", name="What these buttons do").press("Enter")
    expect(page.locator(".k-actions-help dd")).to_have_count(buttons.count())
    expect(page.locator(".k-actions-help")).to_be_visible()


def test_a_fork_begins_at_its_first_field(visitor, shared):
    page = visitor(locale="en-US", viewport={"width": 390, "height": 844}).visit(f"?run={shared.shapes}")
    page.wait_for_function("window.kdx.live.run()?.over")
    page.locator("[data-action=fork]").click()
    field = page.locator("dialog input[data-name='fork.name']")
    expect(field).to_be_focused()
    expect(field).to_have_css("font-size", "16px")  # what narrow screens need reaches dialogs


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_strong_button_is_legible_under_the_pointer(visitor, shared, theme):
    page = visitor(color_scheme=theme).visit("?lesson=soft_targets")
    button = page.locator(".k-lesson .k-strong")
    button.hover()
    ink, paper = button.evaluate(
        """node => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor].map(color => {
             const [r, g, b] = color.match(/\\d+/g).map(v => v / 255)
               .map(v => v <= 0.04 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
             return 0.2126 * r + 0.7152 * g + 0.0722 * b;
           })"""
    )
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def test_what_is_no_run_is_said(visitor):
    page = visitor(locale="en-US").visit("?run=<script>alert(1)</script>")
    expect(page.locator(".k-welcome")).to_contain_text("<script>alert(1)</script>” is no run’s id")
