// Group 2: the teacher with its weights, the student, and how much smaller it is.

import { h, replace } from './dom.js';
import { brief, count } from './format.js';
import { field, spoken } from './fields.js';
import { fits, more, paramsFor } from './form_parts.js';
import { uploadBox } from './form_upload.js';
import { t, tx } from './words.js';

const OWN = 'own';
const NONE = 'none';
const MOST_STUDENTS = 20; // in the list of teachers; older ones are found under the weights

const modelTitle = (form, id) => tx(form.entry('models', id)?.title || id);

const modelChoices = form =>
  form
    .entries('models')
    .filter(entry => fits(entry, form.config.task))
    .map(entry => ({ value: entry.id, title: tx(entry.title) }));

function modelFields(form, network, role) {
  const inside = h('div', { class: 'k-fields' });
  const draw = () => {
    const entry = form.entry('models', network.id);
    replace(inside, entry && h('p', { class: 'k-note' }, tx(entry.summary)), paramsFor(form, entry, network));
  };
  const choices = modelChoices(form);
  if (!choices.some(choice => choice.value === network.id)) choices.push({ value: network.id, title: network.id });
  const spec = { kind: 'choice', name: `${role}.model`, title: t('form.model'), help: t('form.model.help'), choices };
  const choice = field(spec, network.id, id => {
    network.id = id;
    network.params = {};
    if (network.weights !== 'pretrained' || !form.entry('models', id)?.pretrained) network.weights = 'none';
    draw();
    form.rebuild('networks');
    form.changed();
  });
  draw();
  return [choice.element, inside];
}

function weightsKind(weights) {
  return weights === 'none' || weights === 'pretrained' ? weights : weights.split(':')[0];
}

// Where a network's weights come from, for whoever brings their own.
function weightFields(form, network) {
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

const titleOf = entry => {
  const title = tx((entry.title || entry.id).replace(/^Teacher: /, ''));
  return title[0].toUpperCase() + title.slice(1);
};

// What a bundled teacher is, and how good it was where its card was written.
function aboutWeights(form, entry) {
  const model = modelTitle(form, entry.model);
  const scores = Object.entries(entry.scores ?? {}).map(
    ([name, value]) => `${name.length < 5 ? name.toUpperCase() : tx(spoken(name))} ${brief(value, 4)}`,
  );
  return [entry.summary && tx(entry.summary), model, ...scores].filter(Boolean).join(' · ');
}

function teacherCard(form) {
  const { config } = form;
  const students = form.students.filter(found => found.task === config.task).slice(0, MOST_STUDENTS);
  const bundled = form.entries('weights').filter(entry => entry.task === config.task);
  const current = () => {
    if (!config.teacher) return NONE;
    if (students.some(found => found.value === config.teacher.weights)) return config.teacher.weights;
    const entry = bundled.find(
      card => config.teacher.weights === `bundled:${card.id}` && card.model === config.teacher.id,
    );
    return entry ? entry.id : OWN;
  };
  const inside = h('div', { class: 'k-fields' });
  const draw = () => {
    const now = current();
    const card = bundled.find(entry => entry.id === now);
    const student = students.find(found => found.value === now);
    if (student)
      replace(
        inside,
        h('p', { class: 'k-note' }, t('teacher.student', { model: modelTitle(form, student.network.id) })),
      );
    else if (now === NONE) replace(inside, h('p', { class: 'k-note' }, t('teacher.none')));
    else if (card) replace(inside, h('p', { class: 'k-note' }, aboutWeights(form, card)));
    else replace(inside, modelFields(form, config.teacher, 'teacher'), weightFields(form, config.teacher));
  };
  const spec = {
    kind: 'choice',
    name: 'teacher',
    title: t('form.teacher'),
    help: t('form.teacher.help'),
    choices: [
      ...bundled.map(entry => ({
        value: entry.id,
        title: `${titleOf(entry)}${entry.parameters ? ` · ${count(entry.parameters)}` : ''}`,
        group: t('teacher.ready'),
      })),
      ...students.map(({ value, title }) => ({ value, title, group: t('teacher.students') })),
      { value: OWN, title: t('teacher.own'), group: t('teacher.other') },
      { value: NONE, title: t('teacher.noneShort'), group: t('teacher.other') },
    ],
  };
  const choice = field(spec, current(), value => {
    const card = bundled.find(entry => entry.id === value);
    const student = students.find(found => found.value === value);
    if (student) {
      const { id, params } = student.network;
      config.teacher = { id, params: { ...params }, weights: value };
    } else if (value === NONE) config.teacher = null;
    else if (card) config.teacher = { id: card.model, params: { ...card.params }, weights: `bundled:${card.id}` };
    else config.teacher = { id: modelChoices(form)[0]?.value || config.student.id, params: {}, weights: 'none' };
    draw();
    form.changed();
  });
  draw();
  return h('section', { class: 'k-net k-role-teacher' }, choice.element, inside);
}

export function networksGroup(form) {
  const { student } = form.config;
  return [
    teacherCard(form),
    h(
      'section',
      { class: 'k-net k-role-student' },
      h('h3', {}, t('form.student')),
      modelFields(form, student, 'student'),
      more(weightFields(form, student), t('form.studentWeights')),
    ),
  ];
}

export function networksSummary(form) {
  const { teacher, student } = form.config;
  return `${teacher ? modelTitle(form, teacher.id) : t('teacher.noneShort')} → ${modelTitle(form, student.id)}`;
}
