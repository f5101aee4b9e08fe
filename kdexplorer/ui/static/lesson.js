// A lesson: a card beside the page that says what to look at, and does on the page what the learner asks for.

import { h, replace, say } from './dom.js';
import { fromAddress, putInAddress } from './address.js';
import { listen, pageElement, showTab, signal } from './browser.js';
import { Spot } from './lesson_spot.js';
import { t } from './words.js';

// What a lesson's `at` means on this page.
const PLACES = {
  presets: '.k-preset-block',
  data: '.k-group[data-group="data"]',
  networks: '.k-group[data-group="networks"]',
  distillation: '.k-group[data-group="distillation"]',
  variants: '.k-variant-block',
  training: '.k-group[data-group="training"]',
  button: '#kdx-distill',
  status: '.k-status-panel',
  quality: '#kdx-chart-quality',
  losses: '#kdx-chart-losses',
  verdict: '.k-verdict-panel',
  knobs: '.k-knobs',
  preview: '.k-preview-panel',
  bias: '.k-bias',
  temperature: '.k-soft-knob',
  answers: '.k-soft-image',
  gradient: '.k-panel:has(> * #kdx-chart-soft-targets-gradient)',
  similarity: '.k-panel:has(> * #kdx-chart-soft-targets-similarity)',
  tab: '#kdx-main [role="tabpanel"] .k-panel',
};

export class Lesson {
  // fetch(id) → the lesson in this page's language, or {error}
  constructor(fetch) {
    Object.assign(this, { fetch, lesson: null, index: 0, run: null, since: null });
    this.title = h('p', { class: 'k-lesson-title' });
    this.heading = h('h2', { tabindex: -1 });
    this.text = h('p', { class: 'k-lesson-text' });
    this.state = h('p', { class: 'k-lesson-state', role: 'status' });
    this.dots = h('ol', { class: 'k-lesson-dots' });
    const button = (key, act, strong) =>
      h('button', { type: 'button', class: strong ? 'k-button k-strong' : 'k-button', onclick: act }, t(key));
    this.act = button('lesson.do', () => this.perform());
    this.back = button('lesson.back', () => this.go(this.index - 1));
    this.next = button('lesson.next', () => this.advance(), true);
    this.element = h(
      'aside',
      { class: 'k-lesson', 'aria-label': t('lesson.title'), hidden: true },
      h(
        'div',
        { class: 'k-lesson-head' },
        this.title,
        h('button', { type: 'button', class: 'k-icon', 'aria-label': t('lesson.close'), onclick: () => this.close() }, '×'),
      ),
      this.heading,
      this.text,
      this.state,
      this.dots,
      h('div', { class: 'k-lesson-foot' }, this.act, h('span', { class: 'k-gap' }), this.back, this.next),
    );
    this.spot = new Spot(this.element);
    this.element.addEventListener('keydown', event => event.key === 'Escape' && this.close());
    listen('run', ({ run }) => this.heard(run), { late: true });
    const asked = fromAddress('lesson');
    if (asked && /^[a-z0-9_]{1,60}$/.test(asked)) this.open(asked, Number(fromAddress('step')) - 1 || 0);
  }

  async open(id, index = 0) {
    this.place();
    const found = await this.fetch(id);
    this.element.hidden = false;
    if (found.error) {
      this.lesson = null;
      replace(this.dots);
      say(this.title, t('lesson.title'));
      say(this.heading, t('lesson.missing'));
      say(this.text, found.error);
      for (const button of [this.act, this.back, this.next]) button.hidden = true;
      return;
    }
    this.lesson = found;
    putInAddress('lesson', id);
    this.go(Math.min(Math.max(index, 0), found.steps.length - 1));
  }

  // Outside of Gradio's own boxes, so that it stays where it is whatever the page draws.
  place() {
    if (!this.element.isConnected) pageElement().append(this.element);
  }

  close() {
    this.spot.show(null);
    signal('temperature', null);
    this.element.hidden = true;
    this.lesson = null;
    putInAddress('lesson', null);
    putInAddress('step', null);
  }

  get step() {
    return this.lesson?.steps[this.index] ?? null;
  }

  go(index) {
    const { lesson } = this;
    if (!lesson || index < 0 || index >= lesson.steps.length) return;
    this.index = index;
    this.since = this.run?.id ?? null;
    this.performed = false;
    const { step } = this;
    putInAddress('step', String(index + 1));
    say(this.title, t('lesson.place', { title: lesson.title, step: index + 1, steps: lesson.steps.length }));
    say(this.heading, step.title);
    say(this.text, step.text);
    replace(
      this.dots,
      lesson.steps.map((other, i) => h('li', { 'aria-current': i === index ? 'step' : undefined }, h('span', { class: 'k-visually-hidden' }, other.title))),
    );
    this.act.hidden = !(step.config || step.press);
    say(this.act, t(step.press ? 'lesson.press' : 'lesson.settings'));
    this.back.hidden = index === 0;
    this.next.hidden = false;
    say(this.next, t(index === lesson.steps.length - 1 ? 'lesson.finish' : 'lesson.next'));
    if (step.tab) showTab(step.tab);
    signal('temperature', step.temperature ?? null);
    this.spot.show(null);
    this.progress();
    this.heading.focus({ preventScroll: true });
  }

  advance() {
    if (this.index === this.lesson.steps.length - 1) this.close();
    else this.go(this.index + 1);
  }

  // Does what the step asks for: fills the form, presses the button.
  perform() {
    const { step } = this;
    this.performed = true;
    this.since = this.run?.id ?? null;
    if (step.config) signal('settings', { config: step.config, force: true });
    if (step.press) document.querySelector(PLACES.button)?.click();
    this.progress();
  }

  heard(run) {
    this.run = run;
    if (this.lesson) this.progress();
  }

  // Whether the step's own goal is reached; the learner may always go on.
  get reached() {
    const { run, step } = this;
    if (!step?.until) return null;
    if (!run || (step.press && run.id === this.since)) return false;
    if (step.until === 'begun') return Boolean(run.started);
    if (step.until === 'looked') return run.evaluations.length > 1;
    return run.over;
  }

  progress() {
    const { reached, step } = this;
    const words =
      reached === null
        ? step?.config && this.performed
          ? t('lesson.filled')
          : ''
        : t(reached ? 'lesson.reached' : `lesson.until.${step.until}`);
    say(this.state, words);
    this.state.dataset.reached = String(reached === true);
    const waits = step.press && !(this.run?.started && this.run.id !== this.since);
    this.spot.show(PLACES[waits ? 'button' : step.at] ?? null);
  }
}
