"""What a run's methods look at, on the page."""

from __future__ import annotations

from collections.abc import Callable

from person import Person
from playwright.sync_api import expect

from kdexplorer.config import with_values
from kdexplorer.presets import preset_config

SMALL = {"training.steps": 4, "training.batch_size": 2, "training.evaluate_every": 2, "training.log_every": 1, "training.threads": 1, "data.patch": 16, "data.held_out": 2, "data.held_out_crop": 48, "variants.dckd.terms.contrastive_regularization.params": {"interval": 2, "negatives": 3}}  # fmt: skip


def test_dckd_shows_its_negatives_its_categories_and_its_distances(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    begun = me.begin(with_values(preset_config("dckd"), SMALL).model_dump(mode="json"))
    me.until(f"run.id === '{begun}' && run.over")
    me.show("pictures")
    inside = page.locator(".k-inside")
    expect(inside.locator("figure")).to_have_count(7)
    expect(inside.locator("figcaption")).to_contain_text(
        [
            "student",
            "positive: the teacher",
            "negative: the input as it is",
            "negative 2",
            "negative 3",
            "categories of the student",
            "categories of the teacher",
        ]
    )
    assert page.evaluate(
        "[...document.querySelectorAll('.k-inside img')].every(image => image.naturalWidth > 0)"
    )
    chart = inside.locator("#kdx-chart-inside")
    expect(chart.locator(".legend .traces")).to_have_count(2)
    inside.locator(".k-twin summary").click()
    expect(inside.locator(".k-twin tbody tr")).to_have_count(4)
    inside.get_by_label("Which term").select_option("distribution_mapping")
    expect(chart.locator(".scatterlayer .trace")).to_have_count(1)
