// Where a network's weights come from, for whoever brings their own.

import { h, replace } from './dom.js';
import { field } from './fields.js';
import { uploadBox } from './form_upload.js';
import { t } from './words.js';

function weightsKind(weights) {
  return weights === 'none' || weights === 'pretrained' ? weights : weights.split(':')[0];
}

// `network`: the place in the configuration that is changed.
export function weightFields(form, network) {
  const inside = h('div', { class: 'k-fields' });
  const rest = network.weights.includes(':') ? network.weights.slice(network.weights.indexOf(':') + 1) : '';
  const put = weights => {
    network.weights = weights;
    form.changed();
  };
  const choices = [{ value: 'none', title: t('weights.none') }];
  if (form.entry('models', network.id)?.pretrained || network.weights === 'pretrained')
    choices.push({ value: 'pretrained', title: t('weights.pretrained') });
  choices.push({ value: 'upload', title: t('weights.upload') });
  if (form.schema.allow_paths || network.weights.startsWith('file:'))
    choices.push({ value: 'file', title: t('weights.file') });
  choices.push({ value: 'run', title: t('weights.run') });
  if (network.weights.startsWith('bundled:')) choices.push({ value: 'bundled', title: rest });
  const draw = kind => {
    if (kind === 'upload')
      replace(
        inside,
        uploadBox(form, 'weights', rest, id => put(id ? `upload:${id}` : 'none')),
      );
    else if (kind === 'file') {
      const spec = {
        kind: 'text',
        name: 'weights.path',
        title: t('weights.path'),
        help: t('weights.path.help'),
        default: '',
      };
      replace(inside, field(spec, rest, path => put(path.trim() ? `file:${path.trim()}` : 'none')).element);
    } else if (kind === 'run') runChoice(form, network, inside);
    else replace(inside);
  };
  const spec = { kind: 'choice', name: 'weights', title: t('form.weights'), help: t('form.weights.help'), choices };
  const choice = field(spec, weightsKind(network.weights), kind => {
    put(kind === 'pretrained' ? 'pretrained' : 'none');
    draw(kind);
  });
  draw(weightsKind(network.weights));
  return [choice.element, inside];
}

async function runChoice(form, network, inside) {
  replace(inside, h('p', { class: 'k-note' }, t('weights.looking')));
  const answer = await form.server.runs({ offset: 0, limit: 100 });
  const ended = (answer.runs || []).filter(
    run => run.task === form.config.task && ['finished', 'stopped'].includes(run.status),
  );
  if (!ended.length) {
    replace(inside, h('p', { class: 'k-note' }, answer.error || t('weights.noRuns')));
    return;
  }
  const choices = ended.flatMap(run =>
    run.variants.map(name => ({
      value: `run:${run.id}/${name}`,
      title: `${run.name || run.id} · ${name}`,
      network: run.student,
    })),
  );
  if (!choices.some(choice => choice.value === network.weights))
    choices.unshift({ value: network.weights, title: t('weights.choose') });
  const spec = { kind: 'choice', name: 'weights.run', title: t('weights.run'), help: t('weights.run.help'), choices };
  replace(
    inside,
    field(spec, network.weights, value => {
      const chosen = choices.find(choice => choice.value === value);
      if (!chosen?.network) return;
      Object.assign(network, { id: chosen.network.id, params: { ...chosen.network.params }, weights: value });
      form.rebuild('networks');
      form.changed();
    }).element,
  );
}
