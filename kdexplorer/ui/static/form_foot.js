// The foot of the form: the pair and its cost, what is wrong, the one primary button, and what can be shared.

import { h, replace, say } from './dom.js';
import { brief, count } from './format.js';
import { showTab, signal, token } from './browser.js';
import { Cost } from './form_cost.js';
import { Share } from './form_share.js';
import { t, tx } from './words.js';

const CHECK_AGAIN = 2500;
const clone = value => JSON.parse(JSON.stringify(value));

export class Foot {
  constructor(form) {
    this.form = form;
    Object.assign(this, { asked: 0, loud: false });
    this.cost = new Cost(form.server.estimate, () => ({ config: form.config, seeds: form.seeds }));
    this.share = new Share(form);
    this.names = h('div', { class: 'k-pair-names', 'aria-live': 'polite' });
    this.ratio = h('span', { class: 'k-ratio' });
    this.pair = h('div', { class: 'k-pair' }, this.names, this.cost.element, this.ratio);
    this.message = h('div', { class: 'k-message', role: 'alert' });
    this.button = h('button', { type: 'button', class: 'k-primary', id: 'kdx-distill', onclick: () => this.start() });
    this.label();
    this.element = h(
      'footer',
      { class: 'k-form-foot' },
      this.pair,
      this.message,
      h('div', { class: 'k-go' }, this.button, this.share.element),
    );
  }

  label() {
    const { seeds } = this.form;
    say(this.button, seeds > 1 ? t('form.distillSeeds', { n: seeds }) : t('form.distill'));
  }

  changed(delay) {
    this.loud = false;
    this.check(delay);
  }

  // Asks the server what it thinks of the form; `delay` ms from now, unless it changes again.
  check(delay) {
    clearTimeout(this.timer);
    const number = ++this.asked;
    this.cost.changed(false);
    this.timer = setTimeout(async () => {
      this.pair.classList.add('k-pending');
      const answer = await this.form.server.check({ config: this.form.config });
      if (number !== this.asked) return;
      this.pair.classList.remove('k-pending');
      this.showPair(answer);
      if (answer.methods) this.form.facts = answer; // what was known of this pair stays while a term is at fault
      this.form.showFacts?.();
      if (answer.reads) this.form.reads = answer.reads; // for fields that are drawn again
      if (answer.reads) for (const [place, read] of this.form.readers ?? []) read(answer.reads[place]);
      if (!this.loud) this.showProblems(answer.problems || []);
      if (!answer.student && !answer.problems?.length)
        this.check(CHECK_AGAIN); // who can tell is still loading
      else this.cost.changed(!answer.problems?.length);
    }, delay);
  }

  showPair({ teacher, student, compression }) {
    const smaller = student && compression > 1.05;
    const ratio = smaller && (compression < 10 ? brief(compression, 2) : Math.round(compression));
    say(this.ratio, smaller ? t('form.smaller', { ratio }) : '');
    if (!student) {
      replace(this.names, h('span', { class: 'k-quiet' }, t('form.pairUnknown')));
      return;
    }
    const network = ({ model, parameters }, role) => {
      const name = tx(this.form.entry('models', model)?.title || model);
      return [
        h('span', { class: 'k-swatch', style: { background: `var(--${role})` } }),
        h('span', { class: 'k-pair-name', title: name }, name),
        ' ',
        h('b', {}, count(parameters)),
      ];
    };
    replace(
      this.names,
      teacher && [network(teacher, 'teacher'), h('span', { class: 'k-arrow' }, '→')],
      network(student, 'distilled'),
    );
  }

  // What is said loudly stays until something changes, whatever a check on its way finds.
  showProblems(problems, loud = false) {
    this.loud = loud;
    this.message.classList.remove('k-told');
    this.message.classList.toggle('k-loud', loud);
    replace(
      this.message,
      problems.slice(0, 6).map(line => h('p', {}, line)),
    );
  }

  // What is marked in a field is said beside the button too; the first one is shown and focused.
  blame() {
    const { element } = this.form;
    const marked = [...element.querySelectorAll('[aria-invalid="true"]')];
    for (let node = marked[0]?.parentElement; node && node !== element; node = node.parentElement) {
      if (node.tagName === 'DETAILS') node.open = true;
    }
    marked[0]?.focus();
    return marked.map(node => {
      const holder = node.closest('.k-field');
      return `${holder.querySelector('label').textContent}: ${holder.querySelector('.k-trouble').textContent}`;
    });
  }

  async start() {
    if (this.button.disabled) return;
    const blamed = this.blame();
    if (blamed.length) {
      this.showProblems(blamed, true);
      return;
    }
    const { form } = this;
    const config = clone(form.config);
    this.button.disabled = true;
    say(this.button, t('form.starting'));
    this.showProblems([]);
    signal('starting');
    const answer = await form.server.start({ config, seeds: form.seeds, token: token() });
    this.button.disabled = false;
    this.label();
    if (answer.error) {
      signal('start-failed');
      this.showProblems(answer.error.split('\n'), true);
      return;
    }
    form.started();
    showTab('distill');
    signal('open', { run: answer.run, fresh: true });
    signal('runs-changed');
    if (answer.runs?.length > 1) this.tell(t('form.queuedSeeds', { n: answer.runs.length }));
  }

  tell(text) {
    this.showProblems([text]);
    this.loud = true; // until something changes
    this.message.classList.add('k-told');
  }
}
