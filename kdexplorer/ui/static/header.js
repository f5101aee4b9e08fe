// The line on top: the name, the settings' visibility, the last runs, the language, light or dark.

import { h, replace, svg } from './dom.js';
import { fromAddress, putInAddress } from './address.js';
import { isDark, signal } from './browser.js';
import { historyMenu } from './history_menu.js';
import { Lesson } from './lesson.js';
import { lessonMenu } from './lesson_menu.js';
import { answering } from './server.js';
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

export function mount(element, { facts, languages, server: calls }) {
  const server = answering(calls);
  applyTheme(isDark(), false);
  const lesson = new Lesson(id => server.lesson({ id, language: language() }));
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
      historyMenu(server),
      lessonMenu(facts.lessons, id => lesson.open(id)),
      languageSwitch(languages),
      theme,
    ),
  );
}
