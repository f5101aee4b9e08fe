"""A part of the page that is drawn in the browser by one of our modules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from kdexplorer.ui.assets import script

_LOAD = """
import(new URL(props.module, document.baseURI).href)
  .then(module => module.mount(element, {server, upload, facts: props.facts}))
  .catch(error => {
    element.textContent = 'This part of the page could not be loaded. Reload the page; if that does not help, ' +
      'the server may have been updated or stopped.';
    console.error(error);
  });
"""


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function: Gradio marks server functions with an attribute, which bound methods refuse."""

    @functools.wraps(function)
    def call(query: Any) -> Any:
        return function(query)

    return call

from gradio.events import Dependency

class Panel(gr.HTML):
    """Loads `static/<module>` and calls its `mount(element, {server, upload, facts})`.

    `facts` reach the browser once, with the page. `server` are the Python functions it may call: each takes one
    JSON object and returns one; none may raise, since anyone who knows the address can call them.
    """

    def __init__(
        self,
        module: str = "",
        *,
        facts: dict[str, Any] | None = None,
        server: Sequence[Callable[[Any], Any]] = (),
        waiting: str = "",
        **options: Any,
    ) -> None:
        super().__init__(
            html_template=f'<div class="kdx-waiting">{waiting}</div>',
            js_on_load=_LOAD,
            apply_default_css=False,
            server_functions=[_named(function) for function in server],
            module=script(module),
            facts=facts or {},
            **options,
        )

    def get_block_name(self) -> str:
        return "html"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component