// The image, and per network what it says of it at a temperature: likeliest class, entropy, distance to the teacher.

import { h, replace, say } from './dom.js';
import { fixed } from './format.js';
import { formula } from './formula.js';
import { percent } from './soft_targets_bars.js';
import { divergence, entropy, softmax } from './softmax.js';
import { t } from './words.js';

export class Numbers {
  constructor() {
    this.image = h('img', { alt: '', class: 'k-soft-picture' });
    this.name = h('p', { class: 'k-soft-name' });
    this.most = h('p', { class: 'k-note' });
    this.body = h('tbody');
    this.cells = [];
    this.element = h(
      'section',
      { class: 'k-panel k-soft-numbers', 'aria-label': t('soft.numbers') },
      h(
        'div',
        { class: 'k-soft-face' },
        this.image,
        h('div', {}, this.name, h('p', { class: 'k-note' }, t('soft.numbers.caption')), this.most),
      ),
      h(
        'div',
        { class: 'k-table-wrap' },
        h(
          'table',
          { class: 'k-tabular' },
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              h('th', { scope: 'col' }, h('span', { class: 'k-visually-hidden' }, t('soft.network'))),
              h('th', { scope: 'col' }, t('soft.says')),
              h('th', { scope: 'col', title: t('soft.entropy.help') }, t('soft.entropy')),
              h('th', { scope: 'col', title: t('soft.kl.help') }, t('soft.kl')),
            ),
          ),
          this.body,
        ),
      ),
      h(
        'div',
        { class: 'k-soft-formulas' },
        formula('p_i = \\frac{\\exp(z_i / T)}{\\sum_j \\exp(z_j / T)}'),
        formula('L = T^2 \\; \\mathrm{KL}(p^{\\mathrm{teacher}} \\| p^{\\mathrm{student}})'),
      ),
    );
  }

  show(state, image) {
    this.state = state;
    const { networks, label, classes, excluded } = state;
    this.image.src = image;
    this.image.alt = classes[label];
    replace(this.name, h('b', {}, classes[label]), excluded.includes(label) && h('em', {}, t('predict.unseen')));
    say(this.most, t('soft.entropy.most', { most: fixed(Math.log(classes.length), 2) }));
    const key = networks.map(network => network.title).join();
    if (key === this.key) return;
    this.key = key;
    this.cells = networks.map(() => [h('td'), h('td'), h('td')]);
    replace(
      this.body,
      networks.map((network, i) =>
        h(
          'tr',
          {},
          h(
            'th',
            { scope: 'row' },
            h('span', { class: 'k-swatch', style: { background: network.color } }),
            network.title,
          ),
          this.cells[i],
        ),
      ),
    );
  }

  move(temperature) {
    const { networks, teacher, label, classes } = this.state;
    networks.forEach(({ role, logits }, i) => {
      const shares = softmax(logits, temperature);
      const best = shares.indexOf(Math.max(...shares));
      const [says, random, distance] = this.cells[i];
      say(says, `${classes[best]} · ${percent(shares[best])}`);
      says.classList.toggle('k-wrong-cell', best !== label);
      say(random, fixed(entropy(logits, temperature), 2));
      say(distance, role === 'teacher' || !teacher ? '–' : fixed(divergence(teacher.logits, logits, temperature), 4));
    });
  }
}
