// One photo in all its versions, side by side: input, control, distilled, teacher, target.

import { h, replace, say } from './dom.js';
import { fixed } from './format.js';
import { roleColor, roleName } from './roles.js';
import { enlarge } from './zoom.js';
import { t, tx } from './words.js';

function figures(panel, metrics) {
  return metrics
    .filter(metric => panel.metrics?.[metric.id] !== undefined)
    .map(metric => `${fixed(panel.metrics[metric.id], metric.digits)}${metric.unit ? ` ${metric.unit}` : ''}`);
}

function panelElement(panel, index, state) {
  const image = h('img', { alt: '', decoding: 'async', draggable: 'false' });
  const caption = h(
    'figcaption',
    {},
    h(
      'span',
      { class: 'k-panel-name' },
      h('span', {
        class: 'k-swatch',
        style: { background: roleColor(panel, state.run) },
      }),
      roleName(panel),
    ),
    h('span', { class: 'k-panel-scores' }),
  );
  const element = h(
    'figure',
    { class: 'k-picture', dataset: { role: panel.role } },
    h('button', { type: 'button', class: 'k-picture-button', onclick: () => enlarge(state.pictures, index) }, image),
    caption,
  );
  return { element, image, button: element.firstElementChild, scores: caption.lastElementChild };
}

const thumbElement = (item, choose) =>
  h(
    'button',
    { type: 'button', class: 'k-thumb', 'aria-label': item.name, title: item.name, onclick: choose },
    h('img', { src: item.panels[0].image, alt: '' }),
  );

// Draws into `body`; pictures that are already there are exchanged in place, so that nothing flickers.
export function restorations(body, data, run, chosen, choose) {
  const item = data.items[chosen];
  const key = JSON.stringify([run.id, item.panels.map(panel => [panel.role, panel.name]), data.items.map(other => other.name)]);
  if (body.kdxKey !== key) {
    const state = { run, pictures: [] };
    const row = h('div', { class: 'k-pictures', style: { '--columns': item.panels.length } });
    row.style.setProperty('--columns', item.panels.length);
    const panels = item.panels.map((panel, index) => panelElement(panel, index, state));
    row.append(...panels.map(panel => panel.element));
    const thumbs = h(
      'div',
      { class: 'k-thumbs', role: 'group', 'aria-label': t('preview.choose') },
      data.items.length > 1 && data.items.map((other, i) => thumbElement(other, () => state.choose(i))),
    );
    const note = h('p', { class: 'k-note' });
    replace(body, row, h('div', { class: 'k-thumb-line' }, thumbs, note));
    body.kdxKey = key;
    body.kdxParts = { state, panels, thumbs, note };
  }
  const { state, panels, thumbs, note } = body.kdxParts;
  state.choose = choose;
  state.pictures = item.panels.map(panel => ({
    image: panel.image,
    caption: [item.name, roleName(panel), ...figures(panel, run.metrics)].join(' · '),
  }));
  const best = id =>
    Math.max(
      ...item.panels
        .filter(panel => ['variant', 'control'].includes(panel.role))
        .map(panel => panel.metrics?.[id] ?? -Infinity),
    );
  item.panels.forEach((panel, i) => {
    const { image, button, scores } = panels[i];
    if (image.getAttribute('src') !== panel.image) image.src = panel.image;
    button.setAttribute('aria-label', t('preview.enlarge', { name: state.pictures[i].caption }));
    const shown = figures(panel, run.metrics);
    const lead =
      ['variant', 'control'].includes(panel.role) &&
      run.metrics[0] &&
      panel.metrics?.[run.metrics[0].id] === best(run.metrics[0].id);
    replace(
      scores,
      shown.length
        ? shown.map((figure, n) => h(n ? 'span' : lead ? 'b' : 'span', {}, figure))
        : h('span', {}, panel.role === 'target' ? t('pictures.truth') : ''),
    );
  });
  [...thumbs.children].forEach((thumb, i) => {
    thumb.setAttribute('aria-pressed', String(i === chosen));
    thumb.toggleAttribute('data-chosen', i === chosen);
  });
  const convention = (data.convention ?? '').split('; ').map(tx).join('; ');
  say(note, [item.name, convention].filter(Boolean).join(' · '));
}
