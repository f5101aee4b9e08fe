// Held-out images of which two networks say different things, and who is right.

import { h, replace, say } from './dom.js';
import { fixed } from './format.js';
import { roleName, swatch } from './pictures_panel.js';
import { t } from './words.js';

const MOST = 4; // networks on a card
const SIDES = {
  all: 'pictures.disagree.all',
  one: 'pictures.disagree.one',
  other: 'pictures.disagree.other',
  neither: 'pictures.disagree.neither',
};

export class Disagreements {
  constructor() {
    this.side = 'all';
    this.select = h('select', { class: 'k-tool', 'aria-label': t('pictures.pair'), onchange: () => this.draw() });
    this.sides = Object.keys(SIDES).map(side =>
      h('button', {
        type: 'button',
        class: 'k-segment',
        onclick: () => {
          this.side = side;
          this.draw();
        },
      }),
    );
    this.sentence = h('p', { class: 'k-disagree-words', 'aria-live': 'polite' });
    this.cards = h('div', { class: 'k-disagreements' });
    this.note = h('p', { class: 'k-note' });
    this.element = h(
      'section',
      { class: 'k-panel k-disagree-panel', 'aria-label': t('pictures.disagree') },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h3', {}, t('pictures.disagree')),
        h('div', { class: 'k-tools' }, this.select),
      ),
      this.sentence,
      h('div', { class: 'k-segments', role: 'group', 'aria-label': t('pictures.disagree.who') }, this.sides),
      this.cards,
      this.note,
    );
  }

  show(found) {
    this.found = found;
    const names = Object.keys(found.scores.pairs);
    if (names.join() !== this.known) {
      this.known = names.join();
      replace(
        this.select,
        names.map(name => h('option', { value: name }, `${name} · ${this.titleOf(found.scores.pairs[name].with)}`)),
      );
    }
    this.select.hidden = names.length < 2;
    this.draw();
  }

  titleOf(name) {
    const network = this.found.networks.find(other => other.name === name);
    return network ? roleName(network) : name;
  }

  draw() {
    const { scores } = this.found;
    const name = this.select.value;
    const pair = scores.pairs[name];
    for (const part of [this.cards, this.note, this.sides[0].parentElement]) part.hidden = !pair?.total;
    if (!pair) {
      say(this.sentence, t('pictures.disagree.alone'));
      return;
    }
    const words = { one: this.titleOf(name), other: this.titleOf(pair.with), count: scores.count, ...pair };
    if (!pair.total) {
      say(this.sentence, t('pictures.disagree.none', words));
      return;
    }
    const neither = pair.total - pair.right - pair.other_right;
    say(this.sentence, t('pictures.disagree.words', { ...words, neither, otherRight: pair.other_right }));
    const counts = { all: pair.total, one: pair.right, other: pair.other_right, neither };
    Object.entries(SIDES).forEach(([side, key], i) => {
      say(this.sides[i], `${t(key, words)} ${counts[side]}`);
      this.sides[i].setAttribute('aria-pressed', String(side === this.side));
    });
    const differ = scores.disagreements.filter(image => image.says[name] !== image.says[pair.with]);
    const sideOf = image =>
      image.says[name] === image.label ? 'one' : image.says[pair.with] === image.label ? 'other' : 'neither';
    const shown = differ.filter(image => this.side === 'all' || sideOf(image) === this.side);
    replace(
      this.cards,
      shown.map(image => this.card(image)),
    );
    say(
      this.note,
      shown.length < counts[this.side]
        ? t('pictures.disagree.some', { shown: shown.length, all: counts[this.side] })
        : '',
    );
  }

  // Of many networks, the teacher and the two that are compared.
  get shown() {
    const { networks, scores } = this.found;
    const name = this.select.value;
    const two = [name, scores.pairs[name].with];
    return networks.length <= MOST ? networks : networks.filter(n => n.role === 'teacher' || two.includes(n.name));
  }

  card(image) {
    const { data, run } = this.found;
    const unseen = data.excluded.includes(image.label) && h('em', {}, t('predict.unseen'));
    return h(
      'figure',
      { class: 'k-disagreement' },
      h('img', { src: image.image, alt: '', loading: 'lazy' }),
      h(
        'figcaption',
        {},
        h(
          'span',
          { class: 'k-case-label', title: t('pictures.heldOut', { index: image.index }) },
          data.classes[image.label],
          unseen,
        ),
        this.shown
          .filter(network => network.name in image.says)
          .map(network => {
            const said = image.says[network.name];
            const right = said === image.label;
            return h(
              'span',
              { class: `k-said ${right ? 'k-right' : 'k-wrong'}` },
              swatch(network, run),
              h('span', { class: 'k-visually-hidden' }, `${roleName(network)}: `),
              h('b', {}, data.classes[said]),
              h('span', {}, `${fixed(100 * image.shares[network.name], 0)} %`),
              h('span', { role: 'img', 'aria-label': t(right ? 'predict.right' : 'predict.wrong') }, right ? '✓' : '✗'),
            );
          }),
      ),
    );
  }
}
