// The line on top: the name, the settings' visibility, light or dark.

import { h, replace, svg } from './dom.js';
import { fromAddress, putInAddress } from './address.js';
import { TABS, isDark, listen, signal, tabButton } from './browser.js';
import { keepLanguage, language, t } from './words.js';

function mark() {
  return svg(
    'svg',
    { viewBox: '0 0 34 24', width: 34, height: 24, 'aria-hidden': 'true' },
    svg('circle', { cx: 10, cy: 12, r: 9, fill: 'var(--teacher)' }),
    svg('path', { d: 'M19 12h5', stroke: 'currentColor', 'stroke-width': 1.6, 'stroke-linecap': 'round' }),
    svg('circle', { cx: 29, cy: 12, r: 4, fill: 'var(--distilled)' }),
  );
}

function applyTheme(dark, keep) {
  document.documentElement.classList.toggle('kdx-dark', dark);
  document.body.classList.toggle('dark', dark);
  if (keep)
    try {
      localStorage.setItem('kdx-theme', dark ? 'dark' : 'light');
    } catch {
      /* not kept, then */
    }
  signal('theme', dark);
}

// The tabs' buttons are Gradio's: their labels follow the language and the open run's task.
function labelTabs(task) {
  for (const id of TABS) {
    const button = tabButton(id);
    const label = t(id === 'pictures' && task === 'classification' ? 'tab.predictions' : `tab.${id}`);
    if (button && button.textContent.trim() !== label) button.textContent = label;
  }
}

// A new language needs a new page; the run and the form are kept in the address and in this tab.
function switchTo(code) {
  keepLanguage(code);
  if (fromAddress('lang')) putInAddress('lang', code);
  location.reload();
}

const languageSwitch = languages =>
  h(
    'div',
    { class: 'k-languages', role: 'group', 'aria-label': t('language') },
    Object.entries(languages).map(([code, { title }]) =>
      h(
        'button',
        {
          type: 'button',
          class: 'k-language',
          lang: code,
          'aria-pressed': String(code === language()),
          onclick: () => switchTo(code),
        },
        title,
      ),
    ),
  );

export function mount(element, { languages }) {
  applyTheme(isDark(), false);
  let task = null;
  listen('run', ({ run }) => {
    task = run?.config?.task ?? null;
    labelTabs(task);
  }, { late: true });
  const untilThere = () => (tabButton('compare') ? labelTabs(task) : setTimeout(untilThere, 50));
  untilThere();
  const theme = h(
    'button',
    {
      type: 'button',
      class: 'k-icon',
      'aria-label': t('theme'),
      title: t('theme'),
      onclick: () => applyTheme(!isDark(), true),
    },
    svg(
      'svg',
      { viewBox: '0 0 20 20', width: 18, height: 18, 'aria-hidden': 'true' },
      svg('circle', { cx: 10, cy: 10, r: 7, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.6 }),
      svg('path', { d: 'M10 3a7 7 0 0 1 0 14z', fill: 'currentColor' }),
    ),
  );
  const side = h(
    'button',
    {
      type: 'button',
      class: 'k-icon k-side-toggle',
      'aria-label': t('side'),
      title: t('side'),
      'aria-pressed': 'false',
      onclick: () => {
        const hidden = document.documentElement.classList.toggle('kdx-no-side');
        side.setAttribute('aria-pressed', String(hidden));
        dispatchEvent(new Event('resize'));
      },
    },
    svg(
      'svg',
      { viewBox: '0 0 20 20', width: 18, height: 18, 'aria-hidden': 'true' },
      svg('rect', {
        x: 2.5,
        y: 4,
        width: 15,
        height: 12,
        rx: 2,
        fill: 'none',
        stroke: 'currentColor',
        'stroke-width': 1.6,
      }),
      svg('path', { d: 'M8 4v12', stroke: 'currentColor', 'stroke-width': 1.6 }),
    ),
  );
  replace(
    element,
    h(
      'header',
      { class: 'k-top' },
      side,
      mark(),
      h('h1', {}, 'KD Explorer'),
      h('p', {}, t('tagline')),
      h('span', { class: 'k-gap' }),
      languageSwitch(languages),
      theme,
    ),
  );
}
