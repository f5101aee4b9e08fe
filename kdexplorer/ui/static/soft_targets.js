// The tab on soft targets: one image, one temperature, and what every network says at it. All of it is computed here.

import { h, replace, say } from './dom.js';
import { listen, signal } from './browser.js';
import { BiasSlider } from './bias.js';
import { colorOf } from './colors.js';
import { ImageStrip } from './image_strip.js';
import { answering } from './server.js';
import { Bars } from './soft_targets_bars.js';
import { GradientChart } from './soft_targets_gradient.js';
import { SimilarityChart } from './soft_targets_similarity.js';
import { Numbers } from './soft_targets_numbers.js';
import { RunLogits } from './soft_targets_logits.js';
import { TemperatureSlider } from './soft_targets_slider.js';
import { sentence } from './soft_targets_words.js';
import { divergence, entropy } from './softmax.js';
import { StepSlider } from './step_slider.js';
import { t } from './words.js';

const CALM = 2000; // ms between two exchanges of the logits while a run goes on
const SPOKEN = 500; // ms of rest before the sentence is read out
const MEASURE = 'kdx-temperature'; // the name of a move in the browser's own timeline

class SoftTargets {
  constructor(element, { server, facts }) {
    Object.assign(this, { server, facts, index: 0, temperature: 1, run: null });
    this.slider = new StepSlider(t('preview.scrub'), () => this.load());
    this.order = h(
      'select',
      { class: 'k-tool', 'aria-label': t('soft.order') },
      ['given', 'unsure', 'differ'].map(id => h('option', { value: id }, t(`soft.order.${id}`))),
    );
    this.order.addEventListener('change', () => this.arrange());
    this.strip = new ImageStrip(t('preview.choose'), index => {
      this.index = index;
      this.draw();
    });
    this.knob = new TemperatureSlider(value => this.move(value));
    this.words = h('p', { class: 'k-soft-words' });
    this.spoken = h('p', { class: 'k-visually-hidden', 'aria-live': 'polite' });
    this.numbers = new Numbers();
    this.bars = new Bars();
    this.gradient = new GradientChart();
    this.similarity = new SimilarityChart();
    this.bias = new BiasSlider();
    this.biasPanel = h('section', { class: 'k-panel', hidden: true }, this.bias.element);
    this.message = h('p', { class: 'k-ghost-text' });
    this.trouble = h('p', { class: 'k-trouble', role: 'status' });
    this.advice = h('div', { class: 'k-soft-advice' });
    this.body = h(
      'div',
      { class: 'k-soft-body' },
      h(
        'section',
        { class: 'k-panel k-soft-knob', 'aria-label': t('soft.temperature') },
        this.knob.element,
        this.words,
      ),
      h('div', { class: 'k-soft-image' }, this.numbers.element, this.bars.element),
      h('div', { class: 'k-charts k-soft-charts' }, this.similarity.element, this.gradient.element),
      this.biasPanel,
      this.spoken,
    );
    replace(
      element,
      h(
        'div',
        { class: 'k-study k-soft' },
        h(
          'section',
          { class: 'k-panel k-soft-head', 'aria-label': t('soft.title') },
          h(
            'div',
            { class: 'k-chart-head' },
            h('h3', {}, t('soft.title')),
            (this.tools = h('div', { class: 'k-tools' }, this.order)),
            this.slider.element,
          ),
          this.message,
          this.advice,
          this.strip.element,
          this.trouble,
        ),
        this.body,
      ),
    );
    this.element = element;
    this.forget();
    new IntersectionObserver(([entry]) => entry.isIntersecting && this.refresh()).observe(element);
    document.addEventListener('visibilitychange', () => this.refresh());
    listen('theme', () => this.data && this.draw());
    listen('temperature', value => this.ask(value), { late: true });
    listen(
      'run',
      ({ run, changed }) => {
        if (run !== this.run) {
          this.run = run;
          this.forget();
        }
        if (changed.has('previews') || changed.has('config') || changed.has('opened') || !this.data) this.refresh();
      },
      { late: true },
    );
  }

  // A lesson asks for a temperature; of a run that is not there yet, it is the first one shown.
  ask(temperature) {
    this.asked = temperature;
    if (temperature !== null && this.data) this.knob.go(temperature);
  }

  get seen() {
    return this.element.offsetParent !== null && !document.hidden;
  }

  forget() {
    const { run } = this;
    Object.assign(this, { gone: new Set(), data: null, index: 0, touched: false, asking: null, refused: undefined });
    this.logits = run && new RunLogits(this.server, run);
    this.slider.reset();
    say(this.trouble, '');
    this.explain();
  }

  // Why there is nothing, and what to press.
  explain() {
    const { run } = this;
    const task = run?.config?.task;
    const none = task && task !== 'classification';
    const ready = Boolean(this.data);
    this.message.hidden = ready || Boolean(this.trouble.textContent);
    this.body.hidden = !ready;
    this.strip.element.hidden = !ready;
    this.tools.hidden = !ready;
    this.advice.hidden = ready || (Boolean(run) && !none);
    say(this.message, none ? t('soft.restoration') : run ? t('soft.waiting') : t('soft.noRun'));
    if (!this.advice.hidden && !this.advice.firstChild) {
      this.advice.append(
        h(
          'button',
          {
            type: 'button',
            class: 'k-button',
            onclick: () => {
              signal('settings', { config: this.facts.preset.config, force: true });
              document.getElementById('kdx-distill')?.focus();
            },
          },
          t('soft.offer', { preset: t(this.facts.preset.title) }),
        ),
        h('span', { class: 'k-note' }, t('soft.offer.then')),
      );
    }
  }

  refresh() {
    const { run } = this;
    if (!run?.config || !this.seen) return;
    if (run.config.task !== 'classification' || !run.previews.length) {
      this.explain();
      return;
    }
    const steps = [...new Set(run.previews.map(mark => mark.step))].filter(step => !this.gone.has(step));
    this.slider.show(steps.sort((a, b) => a - b));
    const early = CALM - (performance.now() - (this.loaded ?? -Infinity));
    clearTimeout(this.timer);
    if (this.data && run.active && this.slider.follow && early > 0) this.timer = setTimeout(() => this.load(), early);
    else this.load();
  }

  async load() {
    const { run, logits } = this;
    const { step } = this.slider;
    if ([undefined, this.data?.step, this.refused].includes(step) || this.asking === run) return;
    this.asking = run;
    this.loaded = performance.now();
    const found = await logits.at(step);
    if (logits !== this.logits) return;
    this.asking = null;
    say(this.trouble, found.error ?? '');
    this.explain();
    if (found.gone) {
      this.gone.add(step);
      this.refresh();
    } else if (found.error) this.refused = found.lost ? undefined : step;
    else {
      this.take(found);
      if (this.slider.step !== step) this.load();
    }
  }

  take(found) {
    const first = !this.data;
    this.data = found;
    if (first || found.images.length !== this.strip.order.length) this.arrange();
    this.index = Math.min(this.index, found.images.length - 1);
    this.knob.marks(this.taught());
    if (first && !this.touched) this.temperature = this.knob.set(this.asked ?? this.taught()[0]?.temperature ?? 4);
    const unseen = found.excluded.length > 0;
    this.biasPanel.hidden = !unseen;
    if (unseen) this.bias.show({ ...found, logits: found }, this.run);
    this.explain();
    this.draw();
  }

  // The temperatures at which the students were taught at this step: the configuration's, then each turn of a knob.
  taught() {
    const { run, data } = this;
    return run.config.variants.flatMap(variant =>
      variant.terms
        .filter(term => typeof term.params.temperature === 'number')
        .slice(0, 1)
        .map(term => {
          const knob = `${variant.name}.${term.name || term.method}.temperature`;
          const turn = run.knobs.findLast(found => found.knob === knob && found.step <= data.step);
          return {
            name: variant.name,
            color: colorOf(variant.name, run.variants),
            temperature: turn?.new ?? term.params.temperature,
          };
        }),
    );
  }

  arrange() {
    const { data } = this;
    const [first] = data.networks;
    const other = data.networks.find(network => network.role !== 'teacher') ?? first;
    const keys = {
      given: index => index,
      unsure: index => -entropy(first.values[index], 1),
      differ: index => -divergence(first.values[index], other.values[index], 1),
    };
    const key = keys[this.order.value];
    const pictures = data.images.map((image, index) => ({
      index,
      image,
      name: `${data.classes[data.labels[index]]} · ${index + 1}`,
    }));
    this.strip.show(
      pictures.sort((a, b) => key(a.index) - key(b.index)),
      this.index,
    );
  }

  // Another image, step or language of colours: everything is drawn.
  draw() {
    const { data, index, temperature } = this;
    const { classes, excluded } = data;
    const label = data.labels[index];
    const networks = data.networks.map(network => ({ ...network, logits: network.values[index] }));
    const teacher = networks.find(network => network.role === 'teacher');
    this.state = { networks, label, classes, excluded, teacher };
    this.strip.mark(index);
    this.numbers.show(this.state, data.images[index]);
    const students = teacher ? networks.filter(network => network.role === 'variant') : [];
    this.gradient.show({ teacher: teacher?.logits, students, label }, temperature);
    this.similarity.show({ networks: data.networks, labels: data.labels, classes }, temperature, label);
    this.bars.show(this.state, temperature);
    this.numbers.move(temperature);
    this.tell();
  }

  // Only the temperature: what a slider's move costs.
  move(temperature) {
    const began = performance.now();
    Object.assign(this, { temperature, touched: true });
    if (!this.data) return;
    for (const part of [this.bars, this.numbers, this.gradient, this.similarity]) part.move(temperature);
    const text = this.tell();
    clearTimeout(this.reading);
    this.reading = setTimeout(() => say(this.spoken, text), SPOKEN);
    performance.clearMeasures(MEASURE);
    performance.measure(MEASURE, { start: began });
  }

  tell() {
    const { networks, label, classes } = this.state;
    const text = sentence(networks[0], label, classes, this.temperature);
    say(this.words, text);
    return text;
  }
}

export function mount(element, context) {
  const tab = new SoftTargets(element, { ...context, server: answering(context.server) });
  window.kdx = { ...window.kdx, softTargets: { state: () => ({ ...tab.state, temperature: tab.temperature }) } };
}
