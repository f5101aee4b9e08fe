// What the page's address asks for: a run, a configuration, a lesson, a language. Anyone may have written it.

const MOST = 40_000; // characters of one part

export function fromAddress(name) {
  const value = new URLSearchParams(location.search).get(name);
  return value && value.length <= MOST ? value : null;
}

export function putInAddress(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  history.replaceState(history.state, '', address);
}

export function runInAddress() {
  const id = fromAddress('run');
  return id && /^[0-9a-z-]{6,40}$/.test(id) ? id : null;
}

export const putRunInAddress = id => putInAddress('run', id);
