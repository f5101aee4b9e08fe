// What belongs to this browser: its secret, its address line, its parts' signals to each other.

const KEY = 'kdx-token';
let memory = null;

// A random secret that only this browser knows: whoever started a run may control it.
export function token() {
  if (memory) return memory;
  try {
    memory = localStorage.getItem(KEY);
  } catch {
    /* storage may be forbidden: the secret lives as long as the page */
  }
  if (!/^[0-9a-f]{48}$/.test(memory || '')) {
    memory = [...crypto.getRandomValues(new Uint8Array(24))].map(byte => byte.toString(16).padStart(2, '0')).join('');
    try {
      localStorage.setItem(KEY, memory);
    } catch {
      /* as above */
    }
  }
  return memory;
}

// Signals between the parts. The last of each is kept for a part that is drawn later.
//   starting, start-failed                 the form has asked for a run
//   open {run, fresh}                      look at this run
//   run {run: RunState | null, changed}    what is known of the run that is open has grown; `changed`: a set of
//                                          'config', 'started', 'points', 'evaluations', 'previews', 'opened', …
//   settings {config, force}               show this configuration in the form
//   tab (id), show-tab (id)               a tab is shown; show this one
//   temperature (number or null)           the tab on soft targets shows this one
//   runs-changed, theme
const last = new Map();

export function signal(name, detail) {
  last.set(name, detail);
  document.dispatchEvent(new CustomEvent(`kdx:${name}`, { detail }));
}

export function listen(name, heard, { late = false } = {}) {
  document.addEventListener(`kdx:${name}`, event => heard(event.detail));
  if (late && last.has(name)) heard(last.get(name));
}

// Where dialogs and cards are put: Gradio confines what a style sheet says of narrow screens to this element.
export const pageElement = () => document.querySelector('.gradio-container main.contain') ?? document.body;

export const isDark = () => document.documentElement.classList.contains('kdx-dark');

export const TABS = ['distill', 'pictures', 'attention', 'softTargets', 'compare'];
export const panelOf = id => `kdx-tab-${id}`;
export const showTab = id => signal('show-tab', id);

export function download(name, text, type = 'text/csv') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
