// Group 1: the task, where its images come from, what makes them worse and what makes them richer.

import { h, replace, say, unique } from './dom.js';
import { brief } from './format.js';
import { field } from './fields.js';
import { degradations } from './form_degradations.js';
import { fieldsFor, fits, more, paramsFor } from './form_parts.js';
import { t, tx } from './words.js';
import { uploadBox } from './form_upload.js';

// Which of a source's parameters are filled by sending files.
const UPLOADED = {
  uploads: [{ param: 'ids', kind: 'image', words: 'upload.images' }],
  pair_uploads: [
    { param: 'clean_ids', kind: 'pair', words: 'upload.clean' },
    { param: 'degraded_ids', kind: 'pair', words: 'upload.degraded' },
  ],
};

function taskChoice(form) {
  const spec = {
    kind: 'choice',
    name: 'task',
    title: t('form.task'),
    help: t('form.task.help'),
    choices: form.entries('tasks').map(task => ({
      value: task.id,
      title: t(`task.${task.id}`) === `task.${task.id}` ? tx(task.title) : t(`task.${task.id}`),
    })),
  };
  return field(spec, form.config.task, task => form.loadTask(task)).element;
}

// Pairs bring their degraded images with them; photos need degradations again.
function changeSides(form) {
  const { data } = form.config;
  if (form.paired()) {
    form.degradationsBefore = data.degradations;
    data.degradations = [];
    data.augmentations = data.augmentations.filter(found => form.entry('augmentations', found.id)?.exact);
  } else {
    const preset = form.entries('presets').find(found => found.config.data.degradations.length);
    data.degradations = form.degradationsBefore ?? JSON.parse(JSON.stringify(preset?.config.data.degradations ?? []));
  }
  form.rebuild('data');
}

function sourceChoice(form) {
  const { data, task } = form.config;
  const entries = form.entries('sources').filter(entry => fits(entry, task));
  const inside = h('div', { class: 'k-fields' });
  const draw = () => {
    const entry = form.entry('sources', data.source.id);
    const sent = UPLOADED[data.source.id] ?? [];
    replace(
      inside,
      entry && h('p', { class: 'k-note' }, tx(entry.summary)),
      sent.map(({ param, kind, words }) =>
        uploadBox(
          form,
          kind,
          data.source.params[param] || '',
          ids => {
            data.source.params[param] = ids;
            form.changed();
          },
          words,
        ),
      ),
      paramsFor(
        form,
        entry,
        data.source,
        sent.map(({ param }) => param),
      ),
    );
  };
  const spec = {
    kind: 'choice',
    name: 'source',
    title: t('form.source'),
    help: t('form.source.help'),
    choices: entries
      .map(entry => ({ value: entry.id, title: tx(entry.title) }))
      .concat(
        entries.some(entry => entry.id === data.source.id) ? [] : [{ value: data.source.id, title: data.source.id }],
      ),
  };
  const choice = field(spec, data.source.id, id => {
    const was = form.paired();
    data.source = { id, params: {} };
    if (form.paired() === was) draw();
    else changeSides(form);
    form.changed();
  });
  draw();
  return [choice.element, inside];
}

function augmentations(form) {
  const { data, task } = form.config;
  const rows = h('div', { class: 'k-fields k-chip-rows' });
  const entries = form.entries('augmentations').filter(entry => fits(entry, task) && (entry.exact || !form.paired()));
  const find = id => data.augmentations.find(component => component.id === id);
  const parts = form.schema.parts.augmentation;
  const draw = () => {
    folded.hidden = !data.augmentations.length;
    replace(
      rows,
      entries
        .filter(entry => find(entry.id))
        .map(entry =>
          h(
            'section',
            { class: 'k-sub', 'aria-label': tx(entry.title) },
            h('h4', {}, tx(entry.title), h('small', {}, tx(entry.summary))),
            fieldsFor(form, parts, find(entry.id)),
            paramsFor(form, entry, find(entry.id)),
          ),
        ),
    );
  };
  const aboutId = unique('about');
  const about = h('p', { class: 'k-note k-chip-note', id: aboutId }, t('form.augmentations.help'));
  const chips = entries.map(entry => {
    const chip = h(
      'button',
      {
        type: 'button',
        class: 'k-chip',
        'aria-pressed': String(Boolean(find(entry.id))),
        'data-name': entry.id,
        'aria-describedby': aboutId,
        onpointerenter: () => say(about, tx(entry.summary)),
        onfocus: () => say(about, tx(entry.summary)),
        onclick: () => {
          const on = !find(entry.id);
          data.augmentations = data.augmentations.filter(component => component.id !== entry.id);
          if (on) {
            const start = Object.fromEntries(parts.map(part => [part.name, part.default]));
            data.augmentations.push({ id: entry.id, params: {}, ...start });
          }
          chip.setAttribute('aria-pressed', String(on));
          say(about, tx(entry.summary));
          draw();
          form.changed();
        },
      },
      tx(entry.title),
    );
    return chip;
  });
  const folded = more(rows, t('form.augmentationParts'));
  draw();
  if (!chips.length) return null;
  return h(
    'div',
    { class: 'k-block' },
    h('h3', {}, t('form.augmentations')),
    h('div', { class: 'k-chips' }, chips),
    about,
    folded,
  );
}

export function dataGroup(form) {
  const { data, task } = form.config;
  const specs = form.schema.fields.data.filter(spec => fits(spec, task));
  return [
    taskChoice(form),
    sourceChoice(form),
    task === 'restoration' && h('div', { class: 'k-block' }, h('h3', {}, t('form.degradations')), degradations(form)),
    augmentations(form),
    fieldsFor(form, specs, data),
  ];
}

export function dataSummary(form) {
  const { data } = form.config;
  const source = tx(form.entry('sources', data.source.id)?.title || data.source.id);
  const worse = data.degradations.map(component => {
    const entry = form.entry('degradations', component.id);
    const first = entry?.params[0];
    return first
      ? `${tx(first.title)} ${brief(component.params[first.name] ?? first.default)}`
      : tx(entry?.title || component.id);
  });
  const richer = data.augmentations.length ? t('form.augmented', { n: data.augmentations.length }) : '';
  return [source, ...worse, richer].filter(Boolean).join(' · ');
}
