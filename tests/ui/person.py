"""A person at the page: a browser context of its own, and everything that goes wrong in it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

RUN = "window.kdx?.live?.run()"
PATIENCE = 90_000  # ms: two cores, shared with training and the browser
expect.set_options(timeout=PATIENCE)


class Person:
    """Visits the page at `url`; `leave` fails if the console complained or another machine was asked."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, **options}
        )
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._watch(request.url))

    def _watch(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"asked another machine: {address}")

    def visit(self, query: str = "") -> Page:
        self.page.goto(self.url + query)
        self.page.locator("#kdx-distill").wait_for()
        self.page.locator(".k-live").wait_for(state="attached")
        return self.page

    def show(self, tab: str) -> None:
        """Open a tab by its id."""
        self.page.locator(f"#kdx-tab-button-{tab}").click()

    def begin(self, config: dict[str, Any]) -> str:
        """Put a configuration into the form, press Distill, and wait for the first point."""
        before = self.page.evaluate(f"{RUN}?.id ?? null")
        self.page.evaluate("config => window.kdx.form.load(config)", config)
        self.page.locator("#kdx-distill").click()
        self.page.wait_for_function(f"before => {RUN} && {RUN}.id !== before", arg=before)
        return str(self.page.evaluate(f"{RUN}.id"))

    def until(self, condition: str) -> None:
        self.page.wait_for_function(
            f"(() => {{ const run = {RUN}; return run && run.row && ({condition}); }})()"
        )

    def leave(self) -> None:
        self.context.close()
        assert not self.complaints, "\n".join(
            self.complaints
        )  # no plugin rewrites the assertions of this file
