// The page's texts by key; what is missing shows as its key.

let texts = {};

export function useWords(found) {
  if (found) texts = found;
}

export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}
