// A teacher's link may hide parts of the form: `?hide=training,learning_rate,soft_targets`.

import { h } from './dom.js';
import { fromAddress } from './address.js';
import { t } from './words.js';

export const MOST = 60; // names
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,60}$/;

// Groups by their id (`data`, `networks`, `distillation`, `training`, `presets`, `variants`, `share`), controls and
// cards by the name of what they set. Names that nothing has hide nothing.
export const hiddenInAddress = () =>
  (fromAddress('hide') ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => NAME.test(name))
    .slice(0, MOST);

const PARTS = { presets: '.k-preset-block', variants: '.k-variant-block', share: '.k-sharing' };

function ruleOf(name) {
  const named = `[data-name="${CSS.escape(name)}"]`;
  return [
    `.k-group[data-group="${CSS.escape(name)}"]`,
    `.k-field:has(${named})`,
    `.k-card:has(> .k-card-head > ${named})`,
    `.k-chip${named}`,
    `.k-mini${named}`,
    `.k-menu-item${named}`,
    Object.hasOwn(PARTS, name) ? PARTS[name] : null,
  ].filter(Boolean);
}

// What can be hidden in an element, by name: what `ruleOf` finds, and what it is called there.
export function namesIn(element) {
  const found = new Map();
  for (const node of element.querySelectorAll('[data-name]')) {
    const { name } = node.dataset;
    const card = node.parentElement.matches('.k-card > .k-card-head') && node.parentElement;
    const title = node.matches('.k-chip, .k-mini, .k-menu-item')
      ? node
      : (card || node.closest('.k-field'))?.querySelector(card ? 'strong' : '.k-label > :first-child');
    if (title?.textContent && NAME.test(name) && !found.has(name)) found.set(name, title.textContent);
  }
  return found;
}

// Hides what the address names; returns the line that shows it again, or null.
export function hideParts() {
  const names = hiddenInAddress();
  if (!names.length) return null;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`#kdx-form :is(${names.flatMap(ruleOf).join(', ')}) { display: none !important; }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const line = h(
    'p',
    { class: 'k-hidden-note' },
    t('hide.note'),
    ' ',
    h(
      'button',
      {
        type: 'button',
        class: 'k-mini',
        'data-name': 'hide.showAll',
        onclick: () => {
          document.adoptedStyleSheets = document.adoptedStyleSheets.filter(other => other !== sheet);
          line.remove();
        },
      },
      t('hide.show'),
    ),
  );
  return line;
}
