// One run in the history: its box, what it was, how it came out; its name, tags and note are changed in place.

import { h, say } from './dom.js';
import { fixed, signed, when } from './format.js';
import { t, tx } from './words.js';

const SURE = 4000; // ms in which Delete means it

export class HistoryRow {
  constructor(run, history) {
    Object.assign(this, { run, history, editing: false, sure: false });
    this.box = h('input', {
      type: 'checkbox',
      'aria-label': t('history.chooseRun', { name: run.name || run.id }),
      onclick: event => history.press(this, this.box.checked, event.shiftKey),
    });
  }

  get goesOn() {
    return ['queued', 'running', 'paused'].includes(this.run.status);
  }

  mark(on) {
    this.box.checked = on;
    this.line?.toggleAttribute('data-chosen', on);
  }

  draw(open) {
    const { run } = this;
    this.line = h(
      'tr',
      { dataset: { run: run.id }, 'aria-current': run.id === open ? 'true' : undefined },
      h('td', { class: 'k-past-box' }, this.box),
      h('th', { scope: 'row', class: 'k-past-name' }, this.title()),
      h(
        'td',
        { class: 'k-past-status' },
        h('span', { class: `k-status k-is-${run.status}` }, t(`status.${run.status}`)),
        h('small', { class: 'k-tabular' }, `${run.step} / ${run.steps}`),
      ),
      h('td', { class: 'k-verdict-cell k-past-verdict' }, outcome(run, this.history.seedsOf(run))),
      h('td', { class: 'k-tabular k-past-when' }, when(run.created)),
      h('td', { class: 'k-past-actions' }, this.actions()),
    );
    return this.line;
  }

  title() {
    const { run } = this;
    const facts = [run.task && t(`task.${run.task}`), run.source, run.batch && t('history.seed', { seed: run.seed })];
    if (run.parent) facts.push(t('history.fork', { step: run.parent_step }));
    return [
      h(
        'button',
        { type: 'button', class: 'k-link k-open', onclick: () => this.history.open(run) },
        run.name || run.id,
      ),
      h('small', {}, facts.filter(Boolean).join(' · ')),
      run.tags.length > 0 &&
        h(
          'span',
          { class: 'k-tags' },
          run.tags.map(tag => h('span', { class: 'k-tag' }, tag)),
        ),
      run.note && h('small', { class: 'k-remark' }, run.note),
    ];
  }

  actions() {
    const remove = h('button', { type: 'button', class: 'k-link k-delete' }, t('history.delete'));
    remove.addEventListener('click', () => {
      if (this.sure) {
        this.sure = false;
        this.history.remove(this.run);
        return;
      }
      this.sure = true;
      remove.dataset.sure = 'yes';
      say(remove, t('history.sure'));
      setTimeout(() => {
        this.sure = false;
        remove.dataset.sure = '';
        say(remove, t('history.delete'));
      }, SURE);
    });
    return [
      h('button', { type: 'button', class: 'k-link k-edit', onclick: () => this.edit() }, t('history.edit')),
      remove,
    ];
  }

  edit() {
    if (this.editing) return;
    this.editing = true;
    const { run } = this;
    const field = (key, node) => h('label', {}, h('span', { class: 'k-note' }, t(`history.${key}`)), node);
    const name = h('input', { type: 'text', maxlength: 80, value: run.name, name: 'name' });
    const tags = h('input', { type: 'text', maxlength: 400, value: run.tags.join(', '), name: 'tags' });
    const note = h('textarea', { maxlength: 2000, rows: 2, name: 'note' }, run.note);
    const trouble = h('p', { class: 'k-trouble', role: 'alert' });
    const close = () => {
      this.editing = false;
      this.form.remove();
      this.history.reload();
    };
    const save = async event => {
      event.preventDefault();
      const changes = [
        ['rename', { name: name.value }, name.value !== run.name],
        ['tag', { tags: tags.value }, tags.value !== run.tags.join(', ')],
        ['note', { note: note.value }, note.value !== run.note],
      ];
      for (const [what, values, changed] of changes) {
        if (!changed) continue;
        const answer = await this.history.ask(what, run, values);
        if (answer.error) {
          say(trouble, answer.error);
          return;
        }
      }
      close();
      this.line.querySelector('.k-edit')?.focus();
    };
    this.form = h(
      'tr',
      { class: 'k-past-form' },
      h('td', {}),
      h(
        'td',
        { colspan: 5 },
        h(
          'form',
          {
            onsubmit: save,
            onkeydown: event => {
              if (event.key === 'Escape') close();
            },
          },
          field('rename', name),
          field('tags', tags),
          field('note', note),
          trouble,
          h(
            'div',
            { class: 'k-past-save' },
            h('button', { type: 'submit', class: 'k-button k-strong' }, t('history.save')),
            h('button', { type: 'button', class: 'k-button k-ghost', onclick: close }, t('history.cancel')),
          ),
        ),
      ),
    );
    this.line.after(this.form);
    name.focus();
  }
}

// How a run came out: the best variant's difference with its interval, in words. They speak of these images and this
// seed only: what other seeds of a batch say together is seen below.
function outcome(run, seeds) {
  if (!run.verdicts.length || !run.metric) return run.reason || '–';
  if (!run.step) return t('history.noResult');
  const { digits, unit, higher_is_better: higher } = run.metric;
  const sign = higher ? 1 : -1;
  const verdict = run.verdicts.reduce((best, next) => (sign * (next.difference - best.difference) > 0 ? next : best));
  const { low, high, difference, better, worse, total } = verdict;
  const clear = low > 0 || high < 0;
  const words = better + worse === 0 ? 'same' : clear ? (difference > 0 === higher ? 'better' : 'worse') : 'open';
  return [
    h('b', { class: 'k-tabular' }, `${signed(difference, digits)} ${unit === '%' ? t('verdict.points') : unit}`),
    ' ',
    run.verdicts.length > 1 ? `${verdict.variant} · ` : '',
    t(`history.${words}`, { total }),
    ` · ${seeds > 1 ? t('history.oneOfSeeds', { count: seeds }) : t('history.oneSeed')}`,
    h(
      'small',
      { class: 'k-tabular' },
      `95 %: ${signed(low, digits)} … ${signed(high, digits)}`,
      ` · ${tx(run.metric.title)} ${fixed(verdict.value, digits)}${unit ? ` ${unit}` : ''}`,
      run.verdicts.length > 1 ? ` · ${t('history.further', { count: run.verdicts.length - 1 })}` : '',
    ),
  ];
}
