"""The preview beside the curves, when another run is opened while one's pictures are still on their way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from person import Person
from playwright.sync_api import Page, Route, expect

SLIDER = ".k-preview-panel input[type=range]"
OPEN = "id => document.dispatchEvent(new CustomEvent('kdx:open', {detail: {run: id}}))"


@pytest.fixture
def photos(visitor: Callable[..., Person], shared: Any) -> Page:
    page = visitor().visit(f"?run={shared.photos}")
    page.locator(".k-preview-panel img").first.wait_for()
    return page


class Held:
    """The page's questions of one kind, kept from reaching the server until they are let go."""

    def __init__(self, page: Page, function: str) -> None:
        self.function, self.routes, self.free = function, list[Route](), False
        page.route(re.compile("component_server"), self._on)

    def _on(self, route: Route) -> None:
        if self.free or (route.request.post_data_json or {}).get("fn_name") != self.function:
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        self.free = True
        for route in self.routes:
            route.continue_()


def test_pictures_of_the_run_before_are_never_shown(photos: Page, shared: Any) -> None:
    held = Held(photos, "preview")
    photos.locator(SLIDER).focus()
    photos.keyboard.press("ArrowLeft")
    photos.wait_for_timeout(600)  # the slider has come to rest, and the question is on its way
    assert len(held.routes) == 1
    photos.evaluate(OPEN, shared.shapes)
    photos.wait_for_function(
        "id => window.kdx.live.run().id === id && window.kdx.live.run().over", arg=shared.shapes
    )
    held.let_go()
    body = photos.locator(".k-preview-body").first
    expect(body.locator(".k-cases")).to_be_visible()
    for key in ("ArrowLeft", "ArrowLeft"):  # to the step of the late answer, too
        photos.locator(SLIDER).press(key)
        photos.wait_for_timeout(500)
        expect(body.locator(".k-cases")).to_be_visible()


def test_a_preview_that_was_to_come_is_forgotten_with_its_run(photos: Page, shared: Any) -> None:
    photos.locator(SLIDER).press("ArrowLeft")
    photos.wait_for_timeout(500)
    Held(photos, "poll")  # nothing is known of the other run yet
    photos.evaluate(
        f"""id => {{ document.dispatchEvent(new Event('visibilitychange'));  // asks for the pictures, a little later
                    ({OPEN})(id); }}""",
        shared.shapes,
    )
    photos.wait_for_timeout(2000)  # the person fails the test if the console complains
    expect(photos.locator(".k-preview-panel .k-ghost-text")).to_be_visible()
