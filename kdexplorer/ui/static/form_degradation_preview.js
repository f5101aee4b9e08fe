// One held-out image, clean and as the degradations of the form leave it.

import { h, say } from './dom.js';
import { Questions } from './questions.js';
import { t, tx } from './words.js';

const ASK_AFTER = 300; // ms without a change
const FIRST_AFTER = 600; // the page is loaded first

export class DegradationPreview {
  // form.server.degraded({source, degradations, draw}) → {name, clean, degraded, clean_size, degraded_size} or {error}
  constructor(form) {
    Object.assign(this, { form, draw: 0, shown: '', number: 0, wait: FIRST_AFTER });
    this.questions = new Questions();
    this.panels = ['clean', 'degraded'].map(part => {
      const image = h('img', { alt: '', hidden: true });
      const caption = h('figcaption', {}, t(`form.preview.${part}`));
      return { part, image, caption, element: h('figure', {}, h('div', { class: 'k-worse-box' }, image), caption) };
    });
    this.note = h('p', { class: 'k-note', role: 'status' }, t('form.preview.loading'));
    this.another = h(
      'button',
      {
        type: 'button',
        class: 'k-mini',
        'data-name': 'degraded.another',
        title: t('form.preview.another.help'),
        onclick: () => {
          this.draw += 1;
          this.ask();
        },
      },
      t('form.preview.another'),
    );
    this.element = h(
      'div',
      { class: 'k-worse', role: 'group', 'aria-label': t('form.preview') },
      h('div', { class: 'k-worse-pair' }, this.panels.map(panel => panel.element)),
      h('div', { class: 'k-worse-foot' }, this.note, this.another),
    );
    // A closed group asks nothing.
    new IntersectionObserver(([found]) => {
      if (found.isIntersecting) this.changed();
    }).observe(this.element);
  }

  get query() {
    const { source, degradations, gray } = this.form.config.data;
    return { source, degradations, gray: Boolean(gray), draw: this.draw };
  }

  // Called with every change of the form; what is no question of ours costs nothing.
  changed() {
    if (JSON.stringify(this.query) === this.shown) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), this.wait);
  }

  ask() {
    clearTimeout(this.timer);
    const { query } = this;
    const asked = JSON.stringify(query);
    if (asked === this.shown || !this.form.server.degraded || !this.element.checkVisibility()) return;
    this.wait = ASK_AFTER;
    this.shown = asked;
    this.number += 1;
    const { number } = this;
    if (!query.degradations.length && !this.form.paired()) {
      this.questions.drop('degraded');
      this.tell(t('form.preview.none'));
      return;
    }
    this.element.setAttribute('aria-busy', 'true');
    this.questions.put('degraded', {
      ask: () => this.form.server.degraded(query),
      take: answer => number === this.number && this.take(answer),
    });
  }

  take(answer) {
    this.element.removeAttribute('aria-busy');
    if (answer.error) {
      this.tell(tx(answer.error), true);
      if (answer.lost || answer.again) this.shown = '';
      return;
    }
    this.element.classList.remove('k-off');
    for (const { part, image, caption } of this.panels) {
      const [width, height] = answer[`${part}_size`];
      const words = t(`form.preview.${part}`);
      image.src = answer[part];
      image.alt = `${words}: ${answer.name}`;
      image.hidden = false;
      say(caption, `${words} · ${width} × ${height}`);
    }
    say(this.note, answer.name);
    this.note.classList.remove('k-bad');
  }

  // Why there is no picture of this; the one before stays, dimmed.
  tell(words, bad = false) {
    this.element.removeAttribute('aria-busy');
    this.element.classList.add('k-off');
    this.note.classList.toggle('k-bad', bad);
    say(this.note, words);
  }
}
