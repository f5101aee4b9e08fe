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

export function runInAddress() {
  const id = new URLSearchParams(location.search).get('run');
  return id && /^[0-9a-z-]{6,40}$/.test(id) ? id : null;
}

export function putRunInAddress(id) {
  const address = new URL(location.href);
  if (id) address.searchParams.set('run', id);
  else address.searchParams.delete('run');
  history.replaceState(history.state, '', address);
}

// Signals between the parts: `starting` (config), `start-failed`, `open` (run id, fresh), `settings` (config),
// `theme`, `runs-changed`. The last of each is kept for a part that is drawn later.
const last = new Map();

export function signal(name, detail) {
  last.set(name, detail);
  document.dispatchEvent(new CustomEvent(`kdx:${name}`, { detail }));
}

export function listen(name, heard, { late = false } = {}) {
  document.addEventListener(`kdx:${name}`, event => heard(event.detail));
  if (late && last.has(name)) heard(last.get(name));
}

export const isDark = () => document.documentElement.classList.contains('kdx-dark');

export function showTab(name) {
  const tab = [...document.querySelectorAll('#kdx-tabs [role="tab"]')].find(
    button => button.textContent.trim() === name,
  );
  if (tab && tab.getAttribute('aria-selected') !== 'true') tab.click();
}

export function download(name, text, type = 'text/csv') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
