"""A part of the page that is drawn in the browser by one of our modules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from kdexplorer.ui.assets import plotly_script, script, words_file
from kdexplorer.ui.theme import FURTHER, ROLES
from kdexplorer.ui.words import LANGUAGES

_LOAD = """
import(new URL(props.boot.script, document.baseURI).href)
  .then(boot => boot.mount(props.boot, props.module, element, {server, upload, facts: props.facts}))
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


@functools.cache
def _boot() -> dict[str, Any]:
    """What every part needs before it is drawn."""
    return {
        "script": script("boot.js"),
        "plotly": plotly_script(),
        "colors": {"roles": ROLES, "further": FURTHER},
        "languages": {code: {"title": title, "words": words_file(code)} for code, title in LANGUAGES.items()},
    }


def panel(
    module: str,
    *,
    elem_id: str,
    facts: dict[str, Any] | None = None,
    server: Sequence[Callable[[Any], Any]] = (),
) -> gr.HTML:
    """A component that loads `static/<module>` and calls its `mount(element, {server, upload, facts, plotly})`.

    `facts` reach the browser once, with the page. `server` are the Python functions it may call: each takes one
    JSON object and returns one; none may raise, since anyone who knows the address can call them.
    """
    return gr.HTML(
        html_template='<div class="kdx-waiting"></div>',
        js_on_load=_LOAD,
        apply_default_css=False,
        server_functions=[_named(function) for function in server],
        elem_id=elem_id,
        module=script(module),
        facts=facts or {},
        boot=_boot(),
    )
