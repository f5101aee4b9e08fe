// The last runs, one press away from everywhere.

import { h, replace } from './dom.js';
import { runInAddress } from './address.js';
import { listen, showTab, signal } from './browser.js';
import { when } from './format.js';
import { Menu } from './topmenu.js';
import { t } from './words.js';

const LAST = 10;

export function historyMenu(server) {
  const menu = new Menu({ title: t('history.menu'), opened: panel => fill(panel) });
  const choose = act => () => {
    menu.close();
    act();
  };

  const item = run =>
    h(
      'button',
      {
        type: 'button',
        class: 'k-topmenu-item',
        dataset: { run: run.id },
        'aria-current': run.id === runInAddress() ? 'true' : undefined,
        onclick: choose(() => {
          signal('open', { run: run.id, fresh: false });
          showTab('distill');
        }),
      },
      h('span', { class: 'k-topmenu-name' }, run.name || run.id),
      h('small', {}, [t(`status.${run.status}`), `${run.step} / ${run.steps}`, when(run.created)].join(' · ')),
    );

  async function fill(panel) {
    if (!panel.childElementCount) replace(panel, h('p', { class: 'k-ghost-text' }, t('history.loading')));
    const answer = await server.runs({ offset: 0, limit: LAST });
    if (panel.hidden) return;
    const focused = document.activeElement?.dataset?.run;
    replace(
      panel,
      answer.error && h('p', { class: 'k-trouble' }, answer.error),
      answer.runs?.length === 0 && h('p', { class: 'k-ghost-text' }, t('history.empty')),
      (answer.runs ?? []).map(item),
      h(
        'button',
        { type: 'button', class: 'k-topmenu-item k-topmenu-all', onclick: choose(() => showTab('compare')) },
        t('history.all'),
      ),
    );
    if (focused) panel.querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
  }

  listen('runs-changed', () => !menu.panel.hidden && fill(menu.panel));
  return menu.element;
}
