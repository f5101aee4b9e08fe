// Images with what each network believes: one column a class, the true class marked.

import { h, replace } from './dom.js';
import { fixed } from './format.js';
import { roleColor, roleName } from './roles.js';
import { enlarge } from './zoom.js';
import { t } from './words.js';

const MOST = 12; // columns; of more classes, the likeliest are shown

const order = { teacher: 0, variant: 1, control: 2 };

function bars(prediction, item, data, run) {
  const { probabilities } = prediction;
  const color = roleColor(prediction, run);
  const best = probabilities.indexOf(Math.max(...probabilities));
  let shown = probabilities.map((_, i) => i);
  if (shown.length > MOST) {
    shown = [...shown].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, MOST);
    if (!shown.includes(item.label)) shown[MOST - 1] = item.label;
    shown.sort((a, b) => a - b);
  }
  const right = best === item.label;
  const said = t('predict.says', {
    network: roleName(prediction),
    label: data.classes[best],
    share: fixed(100 * probabilities[best], 0),
  });
  return h(
    'div',
    { class: 'k-belief', role: 'img', 'aria-label': `${said} ${t(right ? 'predict.right' : 'predict.wrong')}` },
    h(
      'div',
      { class: 'k-columns' },
      shown.map(i =>
        h(
          'span',
          {
            class: `k-column${i === item.label ? ' k-true' : ''}${data.excluded?.includes(i) ? ' k-unseen' : ''}`,
            title: `${data.classes[i]}: ${fixed(100 * probabilities[i], 1)} %`,
          },
          h('i', { style: { height: `${Math.max(2, 100 * probabilities[i])}%`, background: color } }),
        ),
      ),
    ),
    h(
      'span',
      { class: `k-said ${right ? 'k-right' : 'k-wrong'}` },
      h('span', { class: 'k-swatch', style: { background: color } }),
      h('b', {}, data.classes[best]),
      h('span', { class: 'k-tabular' }, `${fixed(100 * probabilities[best], 0)} %`),
      h('span', { 'aria-hidden': 'true' }, right ? '✓' : '✗'),
    ),
  );
}

export function predictions(body, data, run) {
  const pictures = data.items.map(item => ({
    image: item.image,
    caption: `${item.name} · ${data.classes[item.label]}`,
  }));
  const cards = data.items.map((item, i) =>
    h(
      'figure',
      { class: 'k-case' },
      h(
        'button',
        {
          type: 'button',
          class: 'k-picture-button',
          'aria-label': t('preview.enlarge', { name: pictures[i].caption }),
          onclick: () => enlarge(pictures, i),
        },
        h('img', { src: item.image, alt: '' }),
      ),
      h(
        'figcaption',
        {},
        h(
          'span',
          { class: 'k-case-label' },
          data.classes[item.label],
          data.excluded?.includes(item.label) && h('em', {}, t('predict.unseen')),
        ),
        [...item.predictions]
          .sort((a, b) => order[a.role] - order[b.role])
          .map(prediction => bars(prediction, item, data, run)),
      ),
    ),
  );
  const networks = [...(data.items[0]?.predictions ?? [])].sort((a, b) => order[a.role] - order[b.role]);
  body.kdxKey = null;
  replace(
    body,
    h('div', { class: 'k-cases' }, cards),
    h(
      'p',
      { class: 'k-note k-legend' },
      networks.map(network =>
        h(
          'span',
          {},
          h('span', {
            class: 'k-swatch',
            style: { background: roleColor(network, run) },
          }),
          roleName(network),
        ),
      ),
      h('span', {}, t('predict.caption')),
    ),
  );
}
