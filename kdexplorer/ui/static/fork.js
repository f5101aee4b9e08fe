// Forking: a child run that goes on from a checkpoint of this one with other knobs.

import { h, replace, say } from './dom.js';
import { pageElement } from './browser.js';
import { field } from './fields.js';
import { Knobs, knobsOf } from './knobs.js';
import { t } from './words.js';

export class Fork {
  // server.checkpoints({run}), begin({step, changes}) → {run} or {error}
  constructor({ checkpoints, begin, facts }) {
    Object.assign(this, { checkpoints, begin, facts });
    this.body = h('div', { class: 'k-fields' });
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    this.go = h('button', { type: 'button', class: 'k-button k-strong', onclick: () => this.start() }, t('fork.go'));
    this.element = h(
      'dialog',
      { class: 'k-dialog', 'aria-labelledby': 'kdx-fork-title' },
      h('h2', { id: 'kdx-fork-title', tabindex: -1, autofocus: true }, t('fork.title')),
      h('p', { class: 'k-note' }, t('fork.help')),
      this.body,
      this.trouble,
      h(
        'div',
        { class: 'k-dialog-foot' },
        h('button', { type: 'button', class: 'k-button', onclick: () => this.element.close() }, t('cancel')),
        this.go,
      ),
    );
    this.element.addEventListener('click', event => {
      if (event.target === this.element) this.element.close();
    });
  }

  // at: the step to begin from; the last checkpoint before it is taken
  async open(run, at = Infinity) {
    pageElement().append(this.element);
    say(this.trouble, '');
    replace(this.body, h('p', { class: 'k-note' }, t('fork.looking')));
    this.go.disabled = true; // until there is something to fork from
    if (!this.element.open) this.element.showModal();
    const answer = await this.checkpoints();
    const steps = answer.steps ?? [];
    this.go.disabled = !steps.length;
    if (!steps.length) {
      say(this.trouble, answer.error ?? t('fork.none'));
      replace(this.body);
      return;
    }
    const values = Knobs.values(run, this.facts);
    this.changes = {};
    this.step = steps.findLast(step => step <= at) ?? steps[0];
    const { steps: total } = run.row;
    const half = Math.max(50, Math.round(run.config.training.steps / 2));
    this.total = this.step >= total ? total + half : total;
    const from = field(
      {
        kind: 'choice',
        name: 'fork.step',
        title: t('fork.from'),
        help: '',
        choices: [...steps]
          .reverse()
          .map(step => ({ value: step, title: t('preview.step', { step: step.toLocaleString('en-US') }) }))
          .concat(steps.length < 5 ? [{ value: -1, title: '' }] : [])
          .filter(option => option.value >= 0),
      },
      this.step,
      step => {
        this.step = step;
      },
    );
    const until = field(
      {
        kind: 'int',
        name: 'fork.steps',
        title: t('fork.until'),
        help: t('fork.until.help'),
        minimum: 1,
        maximum: 1_000_000,
        log: true,
        default: this.total,
      },
      this.total,
      value => {
        this.total = value;
      },
    );
    const name = field(
      { kind: 'text', name: 'fork.name', title: t('fork.name'), help: '', default: '' },
      t('fork.nameOf', { name: run.row.name || run.id }).slice(0, 80),
      value => {
        this.name = value;
      },
    );
    this.name = name.get();
    replace(
      this.body,
      name.element,
      from.element,
      until.element,
      knobsOf(run.config, this.facts).map(
        knob =>
          field(
            {
              ...knob.spec,
              name: knob.knob,
              title: knob.group ? `${knob.group} · ${knob.spec.title}` : knob.spec.title,
              around: knob.start || 1,
            },
            values[knob.knob],
            value => {
              this.changes[knob.path] = value;
            },
          ).element,
      ),
    );
    if (document.activeElement?.id === 'kdx-fork-title') this.body.querySelector('input')?.select();
  }

  async start() {
    this.go.disabled = true;
    say(this.go, t('form.starting'));
    const answer = await this.begin({
      step: this.step,
      changes: { ...this.changes, 'training.steps': this.total, name: this.name.slice(0, 80) },
    });
    this.go.disabled = false;
    say(this.go, t('fork.go'));
    if (answer.error) say(this.trouble, answer.error);
    else this.element.close();
  }
}
