// The tabs of the page. All their panels are there from the beginning; a style sheet shows the one that is chosen.

import { h, replace, say } from './dom.js';
import { fromAddress } from './address.js';
import { TABS, listen, panelOf, signal } from './browser.js';
import { t } from './words.js';

export function mount(element) {
  const buttons = new Map(
    TABS.map(id => [
      id,
      h(
        'button',
        { type: 'button', role: 'tab', id: `kdx-tab-button-${id}`, 'aria-controls': panelOf(id), onclick: () => show(id) },
        t(`tab.${id}`),
      ),
    ]),
  );
  const list = h('div', { class: 'k-tabs', role: 'tablist', 'aria-label': t('tab.list') }, [...buttons.values()]);

  function show(id) {
    document.documentElement.dataset.tab = id;
    for (const [other, button] of buttons) {
      button.setAttribute('aria-selected', String(other === id));
      button.tabIndex = other === id ? 0 : -1;
    }
    buttons.get(id).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    signal('tab', id);
  }

  list.addEventListener('keydown', event => {
    const to = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = TABS.indexOf(document.documentElement.dataset.tab);
    const next = to ? (at + to + TABS.length) % TABS.length : { Home: 0, End: TABS.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(TABS[next]);
    buttons.get(TABS[next]).focus();
  });
  for (const id of TABS) {
    const panel = document.getElementById(panelOf(id));
    panel?.setAttribute('role', 'tabpanel');
    panel?.setAttribute('aria-labelledby', `kdx-tab-button-${id}`);
  }
  replace(element, list);
  listen('show-tab', show);
  listen(
    'run',
    ({ run }) =>
      say(buttons.get('pictures'), t(run?.config?.task === 'classification' ? 'tab.predictions' : 'tab.pictures')),
    { late: true },
  );
  const asked = fromAddress('tab');
  show(TABS.includes(asked) ? asked : 'distill');
}
