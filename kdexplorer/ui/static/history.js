// Earlier runs, newest first; each opens where it was left.

import { h, replace, say } from './dom.js';
import { runInAddress } from './address.js';
import { listen, showTab, signal, token } from './browser.js';
import { when } from './format.js';
import { answering } from './server.js';
import { t } from './words.js';

const PAGE = 50;

class History {
  constructor(element, { server }) {
    Object.assign(this, { server, rows: [], offset: 0 });
    this.list = h('div', { class: 'k-runs' });
    this.more = h(
      'button',
      { type: 'button', class: 'k-button', hidden: true, onclick: () => this.load() },
      t('history.more'),
    );
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    replace(
      element,
      h(
        'section',
        { class: 'k-panel k-history', 'aria-label': t('history.title') },
        h(
          'div',
          { class: 'k-chart-head' },
          h('h2', {}, t('history.title')),
          h(
            'div',
            { class: 'k-tools' },
            h('button', { type: 'button', class: 'k-tool', onclick: () => this.reload() }, t('history.reload')),
          ),
        ),
        this.trouble,
        this.list,
        this.more,
      ),
    );
    replace(this.list, h('p', { class: 'k-ghost-text' }, t('history.loading')));
    listen('runs-changed', () => this.reload());
    this.reload();
    new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) this.reload();
    }).observe(element);
  }

  async reload() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    const answer = await this.server.runs({ offset: 0, limit: PAGE });
    this.busy = false;
    say(this.trouble, answer.error ?? '');
    if (answer.runs) {
      this.rows = answer.runs;
      this.more.hidden = answer.runs.length < PAGE;
      this.draw();
    }
    if (this.again) {
      this.again = false;
      this.reload();
    }
  }

  async load() {
    const answer = await this.server.runs({ offset: this.rows.length, limit: PAGE });
    say(this.trouble, answer.error ?? '');
    if (!answer.runs) return;
    this.rows = [...this.rows, ...answer.runs];
    this.more.hidden = answer.runs.length < PAGE;
    this.draw();
  }

  open(run) {
    signal('open', { run: run.id, fresh: false });
    showTab('distill');
  }

  async remove(run, button) {
    if (button.dataset.sure !== 'yes') {
      button.dataset.sure = 'yes';
      say(button, t('history.sure'));
      setTimeout(() => {
        button.dataset.sure = '';
        say(button, t('history.delete'));
      }, 4000);
      return;
    }
    const answer = await this.server.delete({ run: run.id, token: token() });
    say(this.trouble, answer.error ?? '');
    this.reload();
  }

  draw() {
    if (!this.rows.length) {
      replace(this.list, h('p', { class: 'k-ghost-text' }, t('history.empty')));
      return;
    }
    const now = runInAddress();
    replace(
      this.list,
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['name', 'status', 'verdict', 'when', 'actions'].map(key =>
              h(
                'th',
                { scope: 'col' },
                key === 'actions'
                  ? h('span', { class: 'k-visually-hidden' }, t('history.actions'))
                  : t(`history.${key}`),
              ),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          this.rows.map(run => {
            const remove = h(
              'button',
              { type: 'button', class: 'k-link k-delete', onclick: () => this.remove(run, remove) },
              t('history.delete'),
            );
            return h(
              'tr',
              { dataset: { run: run.id }, 'aria-current': run.id === now ? 'true' : undefined },
              h(
                'th',
                { scope: 'row' },
                h(
                  'button',
                  { type: 'button', class: 'k-link k-open', onclick: () => this.open(run) },
                  run.name || run.id,
                ),
                h(
                  'small',
                  {},
                  [run.task, run.source].filter(Boolean).join(' · '),
                  run.parent ? ` · ${t('history.fork', { step: run.parent_step })}` : '',
                ),
              ),
              h(
                'td',
                {},
                h('span', { class: `k-status k-is-${run.status}` }, t(`status.${run.status}`)),
                h('small', { class: 'k-tabular' }, `${run.step} / ${run.steps}`),
              ),
              h('td', { class: 'k-verdict-cell' }, run.verdict || run.reason || '–'),
              h('td', { class: 'k-tabular' }, when(run.created)),
              h('td', {}, remove),
            );
          }),
        ),
      ),
    );
  }
}

export function mount(element, context) {
  new History(element, { server: answering(context.server) });
}
