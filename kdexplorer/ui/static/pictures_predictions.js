// Predictions: what each network believes of an image, whom it confuses with whom, and where two of them disagree.

import { h, replace, say } from './dom.js';
import { loadPlotly } from './chart.js';
import { ClassAccuracy } from './pictures_classes.js';
import { Confusion } from './pictures_confusion.js';
import { Disagreements } from './pictures_disagreements.js';
import { ImageStrip } from './image_strip.js';
import { Beliefs } from './pictures_beliefs.js';
import { softmax } from './softmax.js';
import { t } from './words.js';

const order = { teacher: 0, variant: 1, control: 2 };

export class Predictions {
  constructor({ plotly }) {
    this.chosen = 0;
    this.strip = new ImageStrip(t('preview.choose'), index => {
      this.chosen = index;
      this.believe();
    });
    this.note = h('p', { class: 'k-note k-picture-name' });
    this.picture = h('img', { class: 'k-large-picture', alt: '' });
    this.beliefs = new Beliefs();
    this.classes = new ClassAccuracy();
    this.disagreements = new Disagreements();
    this.matrices = h('div', { class: 'k-confusions' });
    this.confusion = h(
      'section',
      { class: 'k-panel k-confusion-panel', 'aria-label': t('pictures.confusion') },
      h('h3', {}, t('pictures.confusion')),
      this.matrices,
      h('p', { class: 'k-note' }, t('pictures.confusion.caption')),
    );
    this.charts = new Map();
    this.missing = h('p', { class: 'k-note', hidden: true }, t('pictures.noScores'));
    this.element = h(
      'div',
      { class: 'k-predictions' },
      h(
        'section',
        { class: 'k-panel', 'aria-label': t('pictures.images') },
        h('div', { class: 'k-strip-line' }, this.strip.element),
        h(
          'div',
          { class: 'k-belief-line' },
          h('figure', {}, this.picture, h('figcaption', {}, this.note)),
          this.beliefs.element,
        ),
      ),
      this.missing,
      this.confusion,
      this.classes.element,
      this.disagreements.element,
    );
    loadPlotly(plotly).then(
      () => this.classes.drawNow(),
      () => this.classes.fail(),
    );
  }

  // The images that come with their logits, or else the few of the preview, all with probabilities at T = 1.
  images({ items, logits }) {
    if (!logits) return items;
    return logits.images.map((image, i) => ({
      image,
      name: t('pictures.heldOut', { index: logits.index[i] }),
      label: logits.labels[i],
      predictions: logits.networks.map(({ role, name, values }) => ({
        role,
        name,
        probabilities: softmax(values[i], 1),
      })),
    }));
  }

  show(data, run) {
    this.data = data;
    this.run = run;
    this.items = this.images(data);
    this.chosen = Math.min(this.chosen, this.items.length - 1);
    this.strip.show(
      this.items.map((item, index) => ({
        index,
        image: item.image,
        name: `${item.name} · ${data.classes[item.label]}`,
      })),
      this.chosen,
    );
    this.believe();
    const { scores } = data;
    this.missing.hidden = Boolean(scores);
    for (const part of [this.confusion, this.classes.element, this.disagreements.element]) part.hidden = !scores;
    if (!scores) return;
    const networks = [...this.items[0].predictions].sort((a, b) => order[a.role] - order[b.role]);
    this.confuse(networks);
    this.classes.show({ networks, scores, data, run });
    this.disagreements.show({ networks, scores, data, run });
  }

  believe() {
    const { data, run } = this;
    const item = this.items[this.chosen];
    if (this.picture.getAttribute('src') !== item.image) this.picture.src = item.image;
    this.picture.alt = data.classes[item.label];
    const unseen = data.excluded.includes(item.label) ? t('predict.unseen') : '';
    say(this.note, [item.name, data.classes[item.label], unseen].filter(Boolean).join(' · '));
    const predictions = [...item.predictions].sort((a, b) => order[a.role] - order[b.role]);
    this.beliefs.show({ item: { ...item, predictions }, data, run });
  }

  confuse(networks) {
    const { data, run } = this;
    const matrices = networks.filter(network => data.scores.confusion[network.name]);
    this.confusion.hidden = !matrices.length;
    const key = matrices.map(network => network.name).join();
    if (key !== this.charts.key) {
      this.charts = new Map(matrices.map(network => [network.name, new Confusion(network)]));
      this.charts.key = key;
      replace(
        this.matrices,
        [...this.charts.values()].map(chart => chart.element),
      );
    }
    for (const [name, chart] of this.charts) chart.show({ counts: data.scores.confusion[name], data, run });
  }
}
