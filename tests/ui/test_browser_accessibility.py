"""axe-core on every tab, light and dark, before and after a run: nothing serious."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

TABS = ("distill", "pictures", "attention", "softTargets", "compare")


def serious(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {rule['help']} ({', '.join(str(node['target']) for node in rule['nodes'][:4])})"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finished_run(visitor, shared, scheme):
    person = visitor(color_scheme=scheme)
    page = person.visit(f"?run={shared.shapes}")
    page.wait_for_function("window.kdx.live.run()?.over")
    for tab in TABS:
        person.show(tab)
        page.wait_for_timeout(1500)
        assert not serious(page), tab


def test_an_empty_page_and_a_lesson(visitor):
    person = visitor(reduced_motion="reduce")
    page = person.visit("?lesson=temperature")
    for tab in TABS:
        person.show(tab)
        page.wait_for_timeout(700)
        assert not serious(page), tab
