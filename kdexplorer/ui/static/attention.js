// Where the networks look, on one image; and how well each student's map agrees with the teacher's.

import { h, replace } from './dom.js';
import { fixed } from './format.js';
import { roleColor, roleName } from './roles.js';
import { enlarge } from './zoom.js';
import { t, tx } from './words.js';

const SCORES = [
  ['cosine', 2],
  ['spearman', 2],
  ['overlap', 2],
];

export function attention(body, found, run) {
  const title = tx(found.title);
  const pictures = found.panels.map(panel => ({ image: panel.image, caption: `${title} · ${roleName(panel)}` }));
  const panels = found.panels.map((panel, i) => {
    const known = found.alignment?.[panel.name];
    const scores = known && SCORES.some(([id]) => Number.isFinite(known[id])) ? known : null;
    return h(
      'figure',
      { class: 'k-picture' },
      h(
        'button',
        {
          type: 'button',
          class: 'k-picture-button',
          'aria-label': t('preview.enlarge', { name: pictures[i].caption }),
          onclick: () => enlarge(pictures, i),
        },
        h('img', { src: panel.image, alt: '' }),
      ),
      h(
        'figcaption',
        {},
        h(
          'span',
          { class: 'k-panel-name' },
          h('span', {
            class: 'k-swatch',
            style: { background: roleColor(panel, run) },
          }),
          roleName(panel),
        ),
        scores
          ? h(
              'dl',
              { class: 'k-scores' },
              SCORES.filter(([id]) => scores[id] !== undefined && scores[id] !== null).map(([id, digits], n) => [
                h('dt', { title: t(`attention.${id}.help`) }, t(`attention.${id}`)),
                h('dd', {}, h(n ? 'span' : 'b', {}, fixed(scores[id], digits))),
              ]),
            )
          : h('span', { class: 'k-note' }, panel.empty ? t('look.blank') : panel.role === 'teacher' ? t('attention.reference') : ''),
      ),
    );
  });
  replace(
    body,
    h('div', { class: 'k-attention' }, panels),
    h('p', { class: 'k-note' }, [title, tx(found.caption), t('attention.caption')].filter(Boolean).join(' · ')),
  );
}
