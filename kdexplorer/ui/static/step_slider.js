// Which of the run's steps is looked at: follows the newest one until a person takes an earlier one.

import { h, say } from './dom.js';
import { t } from './words.js';

const SETTLE = 120; // ms the slider must rest

export class StepSlider {
  constructor(label, changed) {
    Object.assign(this, { steps: [], follow: true });
    this.slider = h('input', { type: 'range', min: 0, max: 0, value: 0, 'aria-label': label });
    this.text = h('span', { class: 'k-tabular' });
    this.element = h('div', { class: 'k-scrub', hidden: true }, this.slider, this.text);
    this.slider.addEventListener('input', () => {
      this.follow = Number(this.slider.value) === this.steps.length - 1;
      this.label();
      clearTimeout(this.timer);
      this.timer = setTimeout(changed, SETTLE);
    });
  }

  get step() {
    return this.steps[Number(this.slider.value)];
  }

  // Takes the run's steps in order; the one that is looked at stays, while it is there and is not followed.
  show(steps) {
    const { step } = this;
    const at = this.follow ? -1 : steps.indexOf(step);
    this.steps = steps;
    this.element.hidden = !steps.length;
    this.slider.max = Math.max(0, steps.length - 1);
    this.slider.value = at < 0 ? steps.length - 1 : at;
    this.slider.disabled = steps.length < 2;
    this.label();
  }

  go(step) {
    const at = this.steps.indexOf(step);
    if (at < 0) return;
    this.slider.value = at;
    this.slider.dispatchEvent(new Event('input'));
  }

  // Moves to the place `at` among the steps; asks for nothing.
  put(at) {
    this.slider.value = at;
    this.follow = at === this.steps.length - 1;
    this.label();
  }

  reset() {
    this.follow = true;
    this.show([]);
  }

  label() {
    const { steps, step, slider } = this;
    say(this.text, step === undefined ? '' : t('preview.step', { step: step.toLocaleString('en-US') }));
    slider.setAttribute('aria-valuetext', this.text.textContent);
    slider.style.setProperty('--at', `${steps.length > 1 ? (100 * slider.value) / (steps.length - 1) : 100}%`);
  }
}
