// Group 2: the teacher with its weights, further teachers, the student, and how much smaller it is.

import { h, replace } from './dom.js';
import { brief, count } from './format.js';
import { field, spoken } from './fields.js';
import { checkpointFields } from './form_checkpoint.js';
import { fits, more, paramsFor } from './form_parts.js';
import { fromStudents, furtherTeachers, teachersOf } from './form_teachers.js';
import { weightFields } from './form_weights.js';
import { t, tx } from './words.js';

const OWN = 'own';
const NONE = 'none';
const FILE = 'checkpoint';
const MOST_STUDENTS = 20; // in the list of teachers; older ones are found under the weights

const modelTitle = (form, id) => tx(form.entry('models', id)?.title || id);

const modelChoices = form =>
  form
    .entries('models')
    .filter(entry => fits(entry, form.config.task) && !entry.only_teaches)
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

const titleOf = entry => {
  const title = tx((entry.title || entry.id).replace(/^Teacher: /, ''));
  return title[0].toUpperCase() + title.slice(1);
};

// Scores as a card has them, in their metrics' units.
const UNITS = { accuracy: '%', agreement: '%', ece: '%', psnr: 'dB' };
const score = ([name, value]) => {
  const title = name.length < 5 ? name.toUpperCase() : tx(spoken(name));
  return [title, brief(value, 4), UNITS[name]].filter(Boolean).join(' ');
};

// What a bundled teacher is, and how good it was where its card was written.
function aboutWeights(form, entry) {
  const model = modelTitle(form, entry.model);
  return [entry.summary && tx(entry.summary), model, ...Object.entries(entry.scores ?? {}).map(score)].filter(Boolean).join(' · ');
}

// Networks that a file describes; there is one such entry.
const readers = form => form.entries('models').filter(entry => entry.only_teaches && fits(entry, form.config.task));

const readyTeachers = form => form.entries('weights').filter(entry => entry.task === form.config.task);
const newTeacher = form => ({ id: modelChoices(form)[0]?.value || form.config.student.id, params: {}, weights: 'none' });

// Another teacher than those that are there already, where there is one ready.
export function anotherTeacher(form) {
  const { config } = form;
  const used = [config.teacher, ...Object.values(teachersOf(form))].map(network => network?.weights);
  const card = readyTeachers(form).find(entry => !used.includes(`bundled:${entry.id}`));
  return card ? { id: card.model, params: { ...card.params }, weights: `bundled:${card.id}` } : newTeacher(form);
}

// What it means that there is no teacher: where all terms learn from students, nothing is missing.
function noTeacher({ config }) {
  const terms = config.variants.flatMap(variant => variant.terms);
  const ours = ({ teacher }) => ['ema', 'self'].includes(teacher) || fromStudents(teacher);
  return terms.length && terms.every(ours) ? 'teacher.noneNeeded' : 'teacher.none';
}

// The choice of one teacher. `put(network)` keeps it, null is none; `name` is what its fields are called.
export function teacherChoice(form, { now: start, put, name, title, help, optional }) {
  const { config } = form;
  const students = form.students.filter(found => found.task === config.task).slice(0, MOST_STUDENTS);
  const bundled = readyTeachers(form);
  let network = start;
  const current = () => {
    if (!network) return NONE;
    if (form.entry('models', network.id)?.only_teaches) return FILE;
    if (students.some(found => found.value === network.weights)) return network.weights;
    const entry = bundled.find(card => network.weights === `bundled:${card.id}` && card.model === network.id);
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
        h('p', { class: 'k-note' }, student.title), // the box may be too narrow for it
        h('p', { class: 'k-note' }, t('teacher.student', { model: modelTitle(form, student.network.id) })),
      );
    else if (now === NONE) replace(inside, h('p', { class: 'k-note' }, t(noTeacher(form))));
    else if (card) replace(inside, h('p', { class: 'k-note' }, aboutWeights(form, card)));
    else if (now === FILE) replace(inside, checkpointFields(form, network, name));
    else replace(inside, modelFields(form, network, name), weightFields(form, network));
  };
  const spec = {
    kind: 'choice',
    name,
    title,
    help,
    choices: [
      ...bundled.map(entry => ({
        value: entry.id,
        title: `${titleOf(entry)}${entry.parameters ? ` · ${count(entry.parameters)}` : ''}`,
        group: t('teacher.ready'),
      })),
      ...students.map(({ value, title }) => ({ value, title, group: t('teacher.students') })),
      ...readers(form).map(() => ({ value: FILE, title: t('teacher.checkpoint'), group: t('teacher.other') })),
      { value: OWN, title: t('teacher.own'), group: t('teacher.other') },
      ...(optional ? [{ value: NONE, title: t('teacher.noneShort'), group: t('teacher.other') }] : []),
    ],
  };
  const choice = field(spec, current(), value => {
    const card = bundled.find(entry => entry.id === value);
    const student = students.find(found => found.value === value);
    if (student) network = { id: student.network.id, params: { ...student.network.params }, weights: value };
    else if (value === NONE) network = null;
    else if (value === FILE) network = { id: readers(form)[0].id, params: {}, weights: 'none' };
    else if (card) network = { id: card.model, params: { ...card.params }, weights: `bundled:${card.id}` };
    else network = newTeacher(form);
    network = put(network);
    draw();
    form.changed();
  });
  draw();
  return [choice.element, inside];
}

function firstTeacher(form) {
  const { config } = form;
  const before = Boolean(config.teacher);
  const put = network => {
    config.teacher = network;
    if (Boolean(network) !== before) form.rebuild('distillation');
    return network;
  };
  const spec = { name: 'teacher', title: t('form.teacher'), help: t('form.teacher.help'), optional: true };
  return h('section', { class: 'k-net k-role-teacher' }, teacherChoice(form, { now: config.teacher, put, ...spec }));
}

export function networksGroup(form) {
  form.readers = new Map();
  const { student } = form.config;
  return [
    firstTeacher(form),
    furtherTeachers(form, { teacherChoice, anotherTeacher }),
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
  const further = Object.keys(teachersOf(form)).length;
  const first = teacher ? modelTitle(form, teacher.id) : t('teacher.noneShort');
  return `${further ? `${first} + ${further}` : first} → ${modelTitle(form, student.id)}`;
}
