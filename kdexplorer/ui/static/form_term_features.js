// What a term that taps features does with them before they are compared: pairs, projector, noise, levels.

import { h } from './dom.js';
import { field } from './fields.js';
import { automatic, pairingEditor, pairingWords } from './form_pairing.js';
import { fieldsFor } from './form_parts.js';
import { fold, refresh } from './form_term_parts.js';
import { t } from './words.js';

const PROJECTORS = ['none', 'conv', 'conv_norm', 'mlp'];
const LEVELS = ['equal', 'importance'];
const SILENT = { mask: 0, shuffle: 0 };

function choiceOf(form, term, name, values) {
  const spec = {
    kind: 'choice',
    name: `term.${name}`,
    title: t(`features.${name}`),
    help: t(`features.${name}.help`),
    choices: values.map(value => ({ value, title: t(`features.${name}.${value}`) })),
    segments: false,
  };
  return field(spec, term[name] ?? values[0], value => {
    term[name] = value;
    form.changed();
    refresh(form);
  }).element;
}

function noiseFields(form, term) {
  const share = (name, maximum) => ({
    name,
    kind: 'float',
    title: t(`features.${name}`),
    help: t(`features.${name}.help`),
    minimum: 0,
    maximum,
    default: 0,
  });
  term.noise ??= { ...SILENT };
  return fieldsFor(form, [share('mask', 0.95), share('shuffle', 1)], term.noise);
}

const changes = term => {
  const found = [];
  if (term.projector && term.projector !== 'none') found.push(t(`features.projector.${term.projector}`));
  if (term.noise?.mask || term.noise?.shuffle) found.push(t('features.noise'));
  if (term.levels === 'importance') found.push(t('features.levels.importance'));
  return found;
};

export function featuresFold(form, entry, variant, term, key) {
  if (entry.layers === 'none') return null;
  const plain = entry.layers === 'attention' || entry.teacher_gradient; // compared as they are, or not at all
  return fold(form, `${key}.layers`, t('features.title'), {
    value: () => [pairingWords(form, entry, variant, term), ...changes(term)].filter(Boolean).join(' · '),
    body: () => [
      pairingEditor(form, entry, variant, term),
      !plain && [
        !entry.params.some(param => param.name === 'projector') && choiceOf(form, term, 'projector', PROJECTORS),
        noiseFields(form, term),
        h('p', { class: 'k-note' }, t('features.noise.help')),
      ],
      (term.layers?.length || automatic(form, entry, variant, term).length) > 1 &&
        choiceOf(form, term, 'levels', LEVELS),
    ],
  });
}
