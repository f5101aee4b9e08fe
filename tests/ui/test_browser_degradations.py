"""Degradations in the form: switched on by chips, put in order, seen before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Callable

from person import Person
from playwright.sync_api import expect

PICTURE = re.compile("^data:image/png")
CHAIN = "window.kdx.form.config().data.degradations.map(found => found.id)"


def test_degradations_are_chips_with_an_order_and_a_picture(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    block = page.locator("#kdx-form .k-worse")
    image = block.locator("img").nth(1)
    expect(image).to_have_attribute("src", PICTURE)
    first = image.get_attribute("src")
    height = block.evaluate("node => node.offsetHeight")

    page.locator("#kdx-form [data-name=jpeg]").click()
    assert page.evaluate(CHAIN) == ["gaussian_noise", "jpeg"]
    page.wait_for_function("was => document.querySelectorAll('.k-worse img')[1].src !== was", arg=first)
    second = image.get_attribute("src")
    page.locator("[data-name='form.earlier.jpeg']").click()
    assert page.evaluate(CHAIN) == ["jpeg", "gaussian_noise"]
    expect(page.locator("[data-name='form.later.jpeg']")).to_be_focused()
    page.wait_for_function("was => document.querySelectorAll('.k-worse img')[1].src !== was", arg=second)

    clean = block.locator("img").first.get_attribute("src")
    page.locator("[data-name='degraded.another']").click()
    page.wait_for_function("was => document.querySelector('.k-worse img').src !== was", arg=clean)
    assert block.evaluate("node => node.offsetHeight") == height

    for name in ("jpeg", "gaussian_noise"):
        page.locator(f"#kdx-form .k-chip[data-name={name}]").click()
    expect(block.locator(".k-note")).to_have_text("Switch a degradation on to see what it does.")
    expect(page.locator("#kdx-form .k-degradation")).to_have_count(0)
