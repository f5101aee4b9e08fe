// Earlier runs, newest first: found by words, chosen by boxes, opened where they were left.

import { h, replace, say } from './dom.js';
import { runInAddress } from './address.js';
import { importButton } from './archive.js';
import { listen, showTab, signal, token } from './browser.js';
import { MOST } from './compare_choice.js';
import { HistoryRow } from './history_row.js';
import { t } from './words.js';

const PAGE = 50;
const TYPING = 200; // ms after the last key
const WATCHING = 5000; // ms, while a run that is shown goes on

export class History {
  constructor({ server, upload, choice, found }) {
    Object.assign(this, { server, choice, found, rows: [], total: 0, search: '', last: null });
    this.box = h('input', {
      type: 'search',
      class: 'k-search',
      placeholder: t('history.search'),
      'aria-label': t('history.search'),
      maxlength: 200,
      spellcheck: 'false',
      oninput: () => this.type(),
    });
    this.count = h('span', { class: 'k-note k-tabular', role: 'status' });
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    this.all = h('input', {
      type: 'checkbox',
      'aria-label': t('history.chooseShown'),
      onchange: () => this.choose(this.rows, this.all.checked),
    });
    this.body = h('tbody', { onkeydown: event => this.move(event) });
    this.table = h('table', { hidden: true }, this.head(), this.body);
    this.ghost = h('p', { class: 'k-ghost-text' }, t('history.loading'));
    this.more = h(
      'button',
      { type: 'button', class: 'k-button', hidden: true, onclick: () => this.load(this.rows.length) },
      t('history.more'),
    );
    this.element = h(
      'section',
      { class: 'k-panel k-past', 'aria-label': t('history.title') },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h2', {}, t('history.title')),
        this.count,
        h(
          'div',
          { class: 'k-tools' },
          this.box,
          h('button', { type: 'button', class: 'k-tool', onclick: () => this.reload() }, t('history.reload')),
          importButton({ upload, take: server.take, trouble: this.trouble }),
        ),
      ),
      this.trouble,
      h('div', { class: 'k-past-list' }, this.ghost, this.table, this.more),
      h('p', { class: 'k-note' }, t('history.choose.help')),
    );
    listen('runs-changed', () => this.reload());
    this.reload();
    new IntersectionObserver(entries => {
      this.visible = entries.some(entry => entry.isIntersecting);
      if (this.visible) this.reload();
    }).observe(this.element);
    setInterval(() => {
      if (this.visible && !document.hidden && this.rows.some(row => row.goesOn)) this.reload();
    }, WATCHING);
  }

  head() {
    const column = key => h('th', { scope: 'col', class: `k-past-${key}` }, t(`history.${key}`));
    return h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col', class: 'k-past-box' }, this.all),
        ['name', 'status', 'verdict', 'when'].map(column),
        h('th', { scope: 'col' }, h('span', { class: 'k-visually-hidden' }, t('history.actions'))),
      ),
    );
  }

  type() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      this.search = this.box.value.trim();
      this.load(0);
      this.found(this.search);
    }, TYPING);
  }

  // What is shown, again; not while a person writes in a row or is asked whether they are sure.
  reload() {
    if (!this.rows.some(row => row.editing || row.sure)) this.load(0, Math.max(PAGE, Math.min(200, this.rows.length)));
  }

  async load(offset, limit = PAGE) {
    const round = (this.round = (this.round ?? 0) + 1);
    const answer = await this.server.runs({ offset, limit, search: this.search });
    if (round !== this.round) return;
    say(this.trouble, answer.error ?? '');
    if (!answer.runs) return;
    const told = JSON.stringify([offset, answer]);
    if (told === this.told) return;
    this.told = told;
    this.total = answer.total;
    const rows = answer.runs.map(run => new HistoryRow(run, this));
    this.rows = offset ? [...this.rows, ...rows] : rows;
    this.draw();
  }

  draw() {
    const { length } = this.rows;
    this.table.hidden = !length;
    this.ghost.hidden = Boolean(length);
    if (!length) say(this.ghost, this.search ? t('history.none') : t('history.empty'));
    this.more.hidden = length >= this.total;
    say(this.count, this.total ? t('history.count', { shown: length, total: this.total.toLocaleString('en-US') }) : '');
    const focused = document.activeElement?.closest?.('tr')?.dataset.run;
    const open = runInAddress();
    replace(
      this.body,
      this.rows.flatMap(row => row.draw(open)),
    );
    this.mark();
    if (focused) this.rows.find(row => row.run.id === focused)?.box.focus();
  }

  // The boxes show what is chosen.
  mark() {
    for (const row of this.rows) row.mark(this.choice.has(row.run.id));
    const chosen = this.rows.filter(row => row.box.checked).length;
    this.all.checked = chosen > 0 && chosen === this.rows.length;
    this.all.indeterminate = chosen > 0 && chosen < this.rows.length;
  }

  // How many runs that differ in nothing but the seed it was started with, among those that are shown.
  seedsOf(run) {
    return run.batch ? this.rows.filter(row => row.run.batch === run.batch).length : 1;
  }

  choose(rows, on) {
    const room = this.choice.set(
      rows.map(row => row.run.id),
      on,
    );
    say(this.trouble, room ? '' : t('history.full', { most: MOST }));
    this.mark();
  }

  // A box was pressed; with Shift all from the last one on.
  press(row, on, range) {
    const from = this.rows.indexOf(this.last);
    const to = this.rows.indexOf(row);
    const rows = range && from >= 0 ? this.rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
    this.last = row;
    this.choose(rows, on);
  }

  // Arrow keys walk through the boxes; with Shift they choose on the way.
  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = this.rows.findIndex(row => row.box === event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = this.rows[at + step];
    if (!next) return;
    next.box.focus();
    if (event.shiftKey) this.choose([this.rows[at], next], this.rows[at].box.checked || !next.box.checked);
    this.last = next;
  }

  open(run) {
    signal('open', { run: run.id, fresh: false });
    showTab('distill');
  }

  // Asks something of a run's owner; shows why not.
  async ask(name, run, values = {}) {
    const answer = await this.server[name]({ run: run.id, token: token(), ...values });
    say(this.trouble, answer.error ?? '');
    return answer;
  }

  async remove(run) {
    const answer = await this.ask('delete', run);
    if (answer.error) return;
    this.choice.set([run.id], false);
    signal('runs-changed');
  }
}
