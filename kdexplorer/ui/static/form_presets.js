// The presets as chips: those to start with, and the ways to teach, folded.

import { h } from './dom.js';
import { t, tx } from './words.js';

const FOLDED = { restore: 'presets.restore', who: 'presets.who', when: 'presets.when' }; // group → its words

function chip(form, preset) {
  return h(
    'button',
    {
      type: 'button',
      class: 'k-chip',
      'aria-pressed': String(preset.id === form.preset),
      dataset: { preset: preset.id },
      title: tx(preset.summary),
      onclick: () => form.load(preset.config, preset.id),
    },
    tx(preset.title),
  );
}

const chips = (form, presets) =>
  h(
    'div',
    { class: 'k-chips' },
    presets.map(preset => chip(form, preset)),
  );

// A preset of no known group stands with those to start with.
export function presetChips(form) {
  const presets = form.entries('presets');
  const of = group => presets.filter(preset => preset.group === group);
  const folded = Object.entries(FOLDED).map(([group, words]) => [words, of(group)]);
  const inside = folded.flatMap(([, found]) => found);
  return [
    chips(
      form,
      presets.filter(preset => !inside.includes(preset)),
    ),
    inside.length > 0 &&
      h(
        'details',
        {
          class: 'k-more k-preset-fold',
          open: form.presetsOpen ?? inside.some(preset => preset.id === form.preset),
          ontoggle: event => {
            form.presetsOpen = event.target.open;
          },
        },
        h('summary', {}, t('presets.more')),
        folded.map(([words, found]) => [h('h3', { class: 'k-caps' }, t(words)), chips(form, found)]),
      ),
  ];
}
