// The tab on attention: the same image through every network's eyes, at any checkpoint, and how well they agree.

import { h, replace, say } from './dom.js';
import { listen } from './browser.js';
import { AlignmentChart } from './alignment_chart.js';
import { MEASURES, Maps, meanings } from './attention_maps.js';
import { AttentionChoices } from './attention_choices.js';
import { LocalAttribution } from './attention_lam.js';
import { loadPlotly } from './chart.js';
import { ImageStrip } from './image_strip.js';
import { Questions } from './questions.js';
import { answering } from './server.js';
import { StepSlider } from './step_slider.js';
import { t, tx } from './words.js';

const IMAGES = 16; // whose scores are averaged for the curve
const KEPT = 80; // answers
const CALM = 3000; // ms between two looks at a running run's new checkpoints
const LATER = 20_000; // ms more after an error

class Attention {
  constructor(element, { server, plotly }) {
    Object.assign(this, { element, server, run: null });
    this.slider = new StepSlider(t('look.scrub'), () => this.look());
    this.strip = new ImageStrip(t('preview.choose'), () => this.look());
    this.choices = new AttentionChoices(() => {
      this.restart();
      this.look();
    });
    this.maps = new Maps();
    this.curve = new AlignmentChart(step => this.slider.go(step));
    this.button = h('button', { type: 'button', class: 'k-button', hidden: true, onclick: () => this.begin() });
    this.curve.status.after(this.button);
    this.status = h('p', { class: 'k-note k-look-status', role: 'status' });
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    this.notes = h('p', { class: 'k-note' });
    this.meanings = h('div', {});
    this.lam = new LocalAttribution(question => this.askLam(question));
    this.questions = new Questions(() => this.nextOfCurve());
    replace(
      element,
      h(
        'div',
        { class: 'k-study k-look' },
        h(
          'section',
          { class: 'k-panel k-soft-head', 'aria-label': t('look.title') },
          h('div', { class: 'k-chart-head' }, h('h3', {}, t('look.title')), this.slider.element),
          this.strip.element,
          this.choices.element,
          this.status,
          this.trouble,
          this.notes,
        ),
        this.maps.element,
        this.lam.element,
        h(
          'div',
          { class: 'k-look-row' },
          this.curve.element,
          h('section', { class: 'k-panel' }, h('h3', {}, t('look.meanings')), this.meanings),
        ),
      ),
    );
    replace(this.meanings, meanings(MEASURES));
    loadPlotly(plotly).then(
      () => this.curve.draw(),
      () => this.curve.fail(),
    );
    this.forget();
    new IntersectionObserver(([entry]) => entry.isIntersecting && this.open()).observe(element);
    document.addEventListener('visibilitychange', () => this.open());
    listen(
      'run',
      ({ run, changed }) => {
        if (run !== this.run) {
          this.run = run;
          this.forget();
        }
        if (!this.facts || changed.has('checkpoints') || changed.has('finished')) this.open();
      },
      { late: true },
    );
  }

  get seen() {
    return this.element.offsetParent !== null && !document.hidden;
  }

  forget() {
    this.questions.forget();
    clearTimeout(this.timer);
    Object.assign(this, { facts: null, opening: null, kept: new Map(), asked: 0, wanted: null });
    this.slider.reset();
    this.strip.show([], null);
    this.choices.element.hidden = true;
    this.restart();
    say(this.trouble, '');
    say(this.notes, '');
    say(this.status, '');
    this.maps.wait(false);
    this.lam.forget();
    this.maps.empty(this.run ? t('look.waiting') : t('look.noRun'));
  }

  // Asks what there is to choose from: at first, and when there are new checkpoints.
  open() {
    const { run } = this;
    if (!run?.row || !this.seen || this.opening === run) return;
    const late = CALM - (performance.now() - this.asked);
    if (this.asked && late > 0) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.open(), late);
      return;
    }
    if (!run.checkpoints.length && run.active) return;
    if (this.facts && this.facts.at === run.checkpoints.length) {
      this.look();
      return;
    }
    this.asked = performance.now();
    this.opening = run;
    const at = run.checkpoints.length;
    if (!this.facts) this.maps.empty(t('look.opening'));
    this.questions.put('facts', {
      ask: () => this.server.facts({ run: run.id }),
      take: found => this.take(found, at),
    });
  }

  take(found, at) {
    this.opening = null;
    say(this.status, '');
    say(this.trouble, found.error ?? '');
    if (found.error) {
      this.asked += LATER;
      if (!this.facts) this.maps.empty(t('look.failed'));
      return;
    }
    const first = !this.facts;
    this.facts = { ...found, at };
    say(this.notes, (found.notes ?? []).map(tx).join(' '));
    if (!found.steps.length) {
      this.maps.empty(t('look.noCheckpoint'));
      this.facts = null;
      return;
    }
    this.slider.show(found.steps);
    if (first) {
      this.choices.show(found);
      this.strip.show(
        found.images.map(image => ({ ...image, name: this.nameOf(image) })),
        found.images[0]?.index ?? null,
      );
      this.lam.open(found, this.run);
      this.curveOn = !this.run.active;
    }
    this.look();
    this.curves();
  }

  nameOf(image) {
    return image.label === undefined ? image.name : `${this.facts.classes[image.label]} · ${image.name}`;
  }

  // The maps of the chosen image at the chosen step.
  look() {
    const { facts, run } = this;
    const { step } = this.slider;
    if (!facts || step === undefined || !this.seen) return;
    const asked = { run: run.id, step, image: this.strip.chosen, ...this.choices.values };
    const key = JSON.stringify(asked);
    this.wanted = key;
    this.lam.at({ run: run.id, step, image: asked.image });
    this.curve.show(run, this.points, step);
    const known = this.kept.get(key);
    if (known) {
      this.questions.drop('maps');
      this.picture(key, known);
      return;
    }
    this.maps.wait(true);
    say(this.status, t('look.asking', { step: step.toLocaleString('en-US') }));
    this.questions.put('maps', { ask: () => this.server.attribute(asked), take: found => this.picture(key, found) });
  }

  picture(key, found) {
    if (!found.error) {
      this.kept.set(key, found);
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }
    if (key !== this.wanted) return;
    this.shown = found.error ? null : key;
    this.maps.wait(false);
    say(this.status, '');
    say(this.trouble, found.error ?? '');
    if (found.error) {
      if (!this.maps.key) this.maps.empty(t('look.failed'));
      return;
    }
    const image = this.facts.images.find(({ index }) => index === this.strip.chosen);
    const truth = image?.label === undefined ? null : this.facts.classes[image.label];
    this.maps.show(found, this.run, truth, this.choices.explained(truth));
    this.lam.picture(this.strip.chosen, found.panels.find(panel => panel.role === 'input').image);
    const scores = Object.values(found.alignment ?? {});
    replace(this.meanings, meanings(MEASURES.filter(id => scores.some(score => score[id] !== undefined))));
  }

  askLam(question) {
    if (!question) this.questions.drop('lam');
    else this.questions.put('lam', { ask: () => this.server.local(question.asked), take: question.take });
  }

  // Other layers, another algorithm or class: the curve begins anew.
  restart() {
    Object.assign(this, { points: new Map(), failed: 0, shown: null });
    this.curve.show(this.run, this.points, this.slider.step);
    this.curves();
  }

  begin() {
    Object.assign(this, { curveOn: true, failed: 0 });
    this.curves();
    this.questions.go();
  }

  curves() {
    const all = this.facts?.steps ?? [];
    const missing = all.filter(step => !this.points.has(step));
    const stopped = this.failed > 1;
    say(
      this.curve.status,
      stopped
        ? this.why
        : this.curveOn && missing.length && all.length
          ? t('look.curve.progress', { done: all.length - missing.length, all: all.length, images: IMAGES })
          : all.length && !missing.length
            ? t('look.curve.done', { images: Math.min(IMAGES, this.facts.images.length) })
            : '\u00a0',
    );
    this.button.hidden = !missing.length || (this.curveOn && !stopped);
    say(this.button, t(stopped ? 'look.curve.again' : 'look.curve.begin'));
    if (this.curveOn) this.questions.go();
  }

  // The checkpoints in an order in which the curve takes shape early: the ends, then the middles.
  nextOfCurve() {
    if (!this.facts || !this.curveOn || this.failed > 1 || !this.seen || !this.shown) return null;
    const { steps } = this.facts;
    const step = [...steps]
      .filter(found => !this.points.has(found))
      .map(found => {
        const at = steps.indexOf(found);
        return [
          Math.min(...[...this.points.keys(), Infinity].map(known => Math.abs(steps.indexOf(known) - at) || Infinity)),
          at,
          found,
        ];
      })
      .sort((a, b) => b[0] - a[0] || b[1] - a[1])[0]?.[2];
    if (step === undefined) return null;
    const { points } = this;
    const values = { run: this.run.id, step, images: IMAGES, ...this.choices.values };
    return {
      ask: () => this.server.align(values),
      take: found => {
        if (points !== this.points) return;
        if (found.error) {
          this.failed += 1;
          this.why = found.error;
        } else {
          this.failed = 0;
          points.set(step, found.alignment);
          this.curve.show(this.run, points, this.slider.step);
        }
        this.curves();
      },
    };
  }
}

export function mount(element, context) {
  const tab = new Attention(element, { ...context, server: answering(context.server) });
  window.kdx = { ...window.kdx, attention: { points: () => [...tab.points.keys()], busy: () => tab.questions.busy } };
}
