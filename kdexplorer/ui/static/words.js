// The page's texts by key, in the person's language; what is missing shows as its key.

import { fromAddress } from './address.js';

const KEPT = 'kdx-language';
let texts = {};
let chosen = 'en';
let patterns = null; // made when first needed

// The language of this page: its address's, the one kept, or the browser's first that we have.
function choose(codes) {
  const asked = fromAddress('lang');
  if (codes.includes(asked)) return asked;
  let kept = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    /* storage may be forbidden */
  }
  if (codes.includes(kept)) return kept;
  return navigator.languages.map(code => code.slice(0, 2).toLowerCase()).find(code => codes.includes(code)) ?? 'en';
}

// languages: code → {title, words: address}
export async function loadWords(languages) {
  chosen = choose(Object.keys(languages));
  const answer = await fetch(new URL(languages[chosen].words, document.baseURI));
  if (!answer.ok) throw new Error(`words: ${answer.status}`);
  texts = await answer.json();
  document.documentElement.lang = chosen;
}

export const language = () => chosen;

export function keepLanguage(code) {
  try {
    localStorage.setItem(KEPT, code);
  } catch {
    /* it lasts as long as the address */
  }
}

export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

// The bundled classes have names in every language; others are shown as they are called.
export const className = name => (Object.hasOwn(texts, `class.${name}`) ? t(`class.${name}`) : name);

// A sentence that the server says in English, in the person's language where we have it. `{name}` in a key stands for
// any words, and these are looked up as well.
export function tx(sentence) {
  if (typeof sentence !== 'string') return sentence;
  if (Object.hasOwn(texts, sentence)) return texts[sentence];
  if (chosen === 'en') return sentence;
  patterns ??= Object.keys(texts).filter(key => key.includes(' ') && key.includes('{')).map(patternOf);
  for (const { pattern, key } of patterns) {
    const found = pattern.exec(sentence);
    if (found) return t(key, Object.fromEntries(Object.entries(found.groups).map(([name, part]) => [name, tx(part)])));
  }
  return className(sentence);
}

function patternOf(key) {
  const seen = new Set();
  const part = (all, name) => {
    if (seen.has(name)) return `\\k<${name}>`; // the same words again
    seen.add(name);
    return `(?<${name}>.+?)`;
  };
  const plain = key.replace(/[.*+?^$()[\]\\|]/g, '\\$&');
  return { key, pattern: new RegExp(`^${plain.replace(/\{(\w+)\}/g, part)}$`) };
}
