// The temperature, from 1 to 20 on a logarithmic scale, with marks where the run's students were taught.

import { h, replace, say } from './dom.js';
import { brief } from './format.js';
import { HOTTEST } from './soft_targets_gradient.js';
import { t } from './words.js';

const STEPS = 120;
const TICKS = [1, 2, 4, 8, 20];
const place = temperature => Math.log(temperature) / Math.log(HOTTEST);

export class TemperatureSlider {
  constructor(changed) {
    Object.assign(this, { changed, taught: [] });
    this.slider = h('input', {
      type: 'range',
      min: 0,
      max: STEPS,
      step: 1,
      value: 0,
      'aria-label': t('soft.temperature'),
      'data-name': 'soft-temperature',
    });
    this.output = h('output', { class: 'k-soft-value k-tabular' });
    this.signs = h('div', { class: 'k-soft-signs' });
    this.own = h('div', { class: 'k-soft-own' });
    this.element = h(
      'div',
      { class: 'k-soft-slider' },
      this.output,
      h('div', { class: 'k-soft-track' }, this.slider, this.signs),
      this.own,
    );
    this.slider.addEventListener('input', () => {
      this.show(this.value);
      this.changed(this.value);
    });
    this.marks([]);
  }

  // Whole numbers and the run's own temperatures are met exactly.
  get value() {
    const raw = HOTTEST ** (this.slider.value / STEPS);
    const half = Math.log(HOTTEST) / STEPS / 2;
    const known = [...this.taught.map(mark => mark.temperature), Math.round(raw)];
    const near = known.find(value => value >= 1 && Math.abs(Math.log(value / raw)) <= half * 1.001);
    return near ?? Number(raw.toFixed(raw < 4 ? 2 : 1));
  }

  // Returns the temperature that is shown: the nearest that the slider has.
  set(temperature) {
    this.slider.value = Math.round(STEPS * place(Math.min(HOTTEST, Math.max(1, temperature))));
    this.show(this.value);
    return this.value;
  }

  go(temperature) {
    this.changed(this.set(temperature));
  }

  show(value) {
    say(this.output, `T = ${brief(value)}`);
    this.slider.setAttribute('aria-valuetext', `T = ${brief(value)}`);
    this.slider.style.setProperty('--at', `${(100 * this.slider.value) / STEPS}%`);
  }

  // taught: [{name, color, temperature}]
  marks(taught) {
    const key = JSON.stringify(taught);
    if (key === this.key) return;
    this.key = key;
    this.taught = taught.filter(mark => mark.temperature >= 1 && mark.temperature <= HOTTEST);
    const groups = new Map();
    for (const mark of this.taught) groups.set(mark.temperature, [...(groups.get(mark.temperature) ?? []), mark]);
    replace(
      this.signs,
      TICKS.map(value =>
        h(
          'button',
          {
            type: 'button',
            class: 'k-soft-tick',
            tabindex: -1,
            'aria-label': `T = ${value}`,
            style: { left: `${100 * place(value)}%` },
            onclick: () => this.go(value),
          },
          value,
        ),
      ),
      [...groups].map(([value, marks]) =>
        h('i', {
          class: 'k-soft-sign',
          style: { left: `${100 * place(value)}%`, color: marks[0].color },
          'aria-hidden': 'true',
        }),
      ),
    );
    replace(
      this.own,
      [...groups].map(([value, marks]) =>
        h(
          'button',
          {
            type: 'button',
            class: 'k-tool',
            title: t('soft.taught.help', { names: marks.map(mark => mark.name).join(', ') }),
            onclick: () => this.go(value),
          },
          marks.map(mark => h('span', { class: 'k-swatch', style: { background: mark.color } })),
          t('soft.taught', { T: brief(value) }),
        ),
      ),
    );
  }
}
