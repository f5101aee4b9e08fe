"""The app: the page's parts put together, and the server that runs it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_SSR_MODE", "false")

import gradio as gr
from starlette.routing import BaseRoute

from kdexplorer.params import ConfigError
from kdexplorer.runs.limits import LOCAL, PUBLIC_SPACE, Limits
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store
from kdexplorer.ui import assets
from kdexplorer.ui.attention_tab import attention
from kdexplorer.ui.compare_tab import compare
from kdexplorer.ui.distill_tab import live_run, run_form
from kdexplorer.ui.endpoints import Endpoints
from kdexplorer.ui.header import header
from kdexplorer.ui.panel import panel
from kdexplorer.ui.pictures_tab import pictures
from kdexplorer.ui.soft_targets_tab import soft_targets
from kdexplorer.ui.theme import theme

TABS = {
    "distill": live_run,
    "pictures": pictures,
    "attention": attention,
    "softTargets": soft_targets,
    "compare": compare,
}
WARM_AFTER = 1.5  # seconds after the server is up: the page is loaded first, torch after it
INSPECTOR_AFTER = 6  # looks at the queue before the inspector is warmed: a spare worker is wanted sooner
TICK = 1.0  # seconds between two looks at the queue

_HEAD = """
<meta name="color-scheme" content="light dark">
<script>
(() => {
  let kept = null;
  try { kept = localStorage.getItem('kdx-theme'); } catch { /* storage may be forbidden */ }
  const dark = kept ? kept === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.classList.toggle('kdx-dark', dark);
  document.documentElement.dataset.tab = 'distill';
})();
</script>
"""


class Explorer(gr.Blocks):
    """The app's blocks. `launch()` needs no arguments: theme, styles and routes are its own."""

    def __init__(self, endpoints: Endpoints, **options: Any) -> None:
        self.manager, self.inspect = endpoints.manager, endpoints.inspect
        self.routes: list[BaseRoute] = [
            *endpoints.archives.routes(),
            *endpoints.pictures.routes(),
            *assets.routes(),
        ]
        super().__init__(
            title="KD Explorer",
            fill_width=True,
            analytics_enabled=False,
            delete_cache=(3600, 86400),
            **options,
        )

    def launch(self, **options: Any) -> Any:  # type: ignore[override]
        """As `gr.Blocks.launch`, closed by default: no paths, no analytics, no other site's scripts."""
        own = {
            "theme": theme(),
            "css_paths": assets.styles(),
            "head": _HEAD + assets.preloads(),
            "favicon_path": assets.STATIC / "favicon.svg",
            "footer_links": [],
            "run_history": False,
            "enable_monitoring": False,
            "strict_cors": True,
            "allowed_paths": [],
            "max_file_size": "512mb",
            "ssr_mode": os.environ["GRADIO_SSR_MODE"].lower() == "true",
            "app_kwargs": {"routes": self.routes, "lifespan": self._lifespan},
        }
        return super().launch(**{**own, **options})

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        done = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(done,), name="kdx-keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            self.inspect.close()
            self.manager.close()

    def _keep(self, done: threading.Event) -> None:
        """Warm a worker, then the inspector, and look after the queue."""
        if done.wait(WARM_AFTER):
            return
        self.manager.warm()
        looks = 0
        while not done.wait(TICK):
            looks += 1
            if looks == INSPECTOR_AFTER:
                self.inspect.warm()
            with contextlib.suppress(ConfigError):  # a full disk: said where a person acts
                self.manager.tick()


def build_demo(store: Store | None = None, limits: Limits | None = None) -> Explorer:
    """The page over `store` (by default the one in `KDX_HOME`); limits are a public Space's where it is one."""
    store = store or Store()
    manager = Manager(store, limits or (PUBLIC_SPACE if os.environ.get("SPACE_ID") else LOCAL))
    endpoints = Endpoints(store, manager)
    demo = Explorer(endpoints)
    with demo:
        header(endpoints)
        with gr.Row(elem_id="kdx-page"):
            with gr.Column(elem_id="kdx-side", min_width=0):
                run_form(endpoints)
            with gr.Column(elem_id="kdx-main", min_width=0):
                panel("tabs.js", elem_id="kdx-tabs")
                for tab, part in TABS.items():
                    with gr.Column(elem_id=f"kdx-tab-{tab}", elem_classes="k-tabpanel", min_width=0):
                        part(endpoints)
    demo.queue(max_size=64, default_concurrency_limit=4)
    return demo


def main(arguments: Sequence[str] | None = None, demo: Explorer | None = None) -> int:
    """Serve the page until it is stopped; opens a browser where there is a display."""
    parser = argparse.ArgumentParser(prog="kdexplorer app", description="Open KD Explorer in a browser.")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    port = os.environ.get("GRADIO_SERVER_PORT") or os.environ.get("PORT")
    parser.add_argument(
        "--port", type=int, default=int(port) if port else None, help="default: the first free from 7860"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    options = parser.parse_args(arguments)
    try:
        demo = demo or build_demo()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    demo.launch(
        server_name=options.host,
        server_port=options.port,
        inbrowser=not options.no_browser and _has_display(),
    )
    return 0


def _has_display() -> bool:
    if os.environ.get("SPACE_ID") or os.environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
