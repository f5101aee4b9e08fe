// Who teaches: the choice that a term has, and the run's further teachers.

import { h, say } from './dom.js';
import { field } from './fields.js';
import { fieldsFor } from './form_parts.js';
import { t } from './words.js';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const TAKEN = ['teacher', 'mean', 'ema', 'self', 'peers', 'student', 'control']; // they mean somebody else

export const teachersOf = form => (form.config.teachers ??= {});
const terms = form => form.config.variants.flatMap(variant => variant.terms);
export const fromStudents = who => who === 'peers' || Boolean(who?.startsWith('variant:'));

// Who teaches a new term: the run's teacher, or without one the student's own average; or who the method says.
export function newTeacherOf(form, entry) {
  if (entry.teacher && entry.teacher !== 'teacher') return entry.teacher;
  return form.config.teacher ? 'teacher' : 'ema';
}

// Everybody who can teach a term, as {value, title, help, group}; `training/binding.py` refuses the others in words.
export function whoCanTeach(form, term) {
  const { config } = form;
  const method = form.entry('methods', term.method);
  const compares = method && method.layers !== 'none';
  const inside = Boolean(method?.teacher_gradient); // it asks for one network that it can look into
  const own = config.variants.find(variant => variant.terms.includes(term));
  const others = config.variants.filter(variant => variant !== own).map(variant => variant.name);
  const students = config.control && others.length + 1 ? [...others, 'control'] : others;
  const further = Object.keys(teachersOf(form));
  const networks = t('teaches.networks');
  const cohort = t('teaches.students');
  const found = [];
  const add = (value, group, title, help) => found.push({ value, group, title, help });
  if (config.teacher) add('teacher', networks, t('teaches.teacher'), t('teaches.teacher.help'));
  for (const name of further) add(name, networks, name, t('teaches.named.help', { name }));
  if (!compares && further.length + Boolean(config.teacher) > 1)
    add('mean', networks, t('teaches.mean'), t('teaches.mean.help'));
  add('ema', cohort, t('teaches.ema'), t('teaches.ema.help'));
  if (inside) return found;
  if (compares) add('self', cohort, t('teaches.self'), t('teaches.self.help'));
  if (others.length && (!compares || others.length === 1))
    add('peers', cohort, t('teaches.peers'), t('teaches.peers.help'));
  for (const name of students)
    add(`variant:${name}`, cohort, t('teaches.variant', { name }), t('teaches.variant.help', { name }));
  return found;
}

// The choice of who teaches a term. `changed`, if given, is told after the configuration has changed.
export function teacherField(form, term, changed = () => {}) {
  const choices = whoCanTeach(form, term);
  const now = term.teacher ?? 'teacher';
  if (!choices.some(choice => choice.value === now))
    choices.unshift({ value: now, title: now, group: t('teaches.missing'), help: t('teaches.missing.help') });
  const note = h('p', { class: 'k-note', 'aria-live': 'polite' });
  const tell = who => say(note, choices.find(choice => choice.value === who)?.help ?? '');
  const spec = {
    kind: 'choice',
    name: 'teaches',
    title: t('teaches.title'),
    help: t('teaches.help'),
    choices,
    segments: false,
  };
  const choice = field(spec, now, who => {
    term.teacher = who;
    tell(who);
    form.changed();
    changed();
  });
  tell(now);
  return h('div', { class: 'k-fields k-teaches' }, choice.element, note);
}

// Who is called so by a term follows the name; without one, the first teacher teaches.
function renamed(form, old, name) {
  for (const term of terms(form)) if (term.teacher === old) term.teacher = name ?? 'teacher';
  if (Object.keys(teachersOf(form)).length + Boolean(form.config.teacher) < 2)
    for (const term of terms(form)) if (term.teacher === 'mean') term.teacher = 'teacher';
}

function nameField(form, start) {
  let name = start;
  const wrong = text => {
    if (!NAME.test(text)) return t('variants.nameRule');
    if (TAKEN.includes(text)) return t('teachers.reserved');
    return text !== name && text in teachersOf(form) ? t('variants.taken') : '';
  };
  const spec = {
    kind: 'text',
    name: `teachers.${start}.name`,
    title: t('teachers.name'),
    help: t('teachers.name.help'),
    maximum: 32,
    check: wrong,
  };
  return field(spec, name, (next, final) => {
    if (next !== name) {
      const entries = Object.entries(teachersOf(form)).map(([key, value]) => [key === name ? next : key, value]);
      form.config.teachers = Object.fromEntries(entries);
      renamed(form, name, next);
      name = next;
      form.changed();
    }
    if (final) {
      form.rebuild('networks');
      form.rebuild('distillation');
    }
  }).element;
}

function furtherTeacher(form, name, teacherChoice) {
  const now = teachersOf(form)[name];
  const put = network => {
    teachersOf(form)[name] = { ...network, weight: teachersOf(form)[name].weight ?? 1 };
    form.rebuild('networks');
    return teachersOf(form)[name];
  };
  const remove = () => {
    delete teachersOf(form)[name];
    renamed(form, name, null);
    form.changed();
    form.rebuild('networks');
    form.rebuild('distillation');
  };
  return h(
    'section',
    { class: 'k-net k-role-teacher k-further-teacher', 'aria-label': t('teachers.further', { name }) },
    nameField(form, name),
    teacherChoice(form, {
      now,
      put,
      name: `teachers.${name}`,
      title: t('form.teacher'),
      help: t('form.teacher.help'),
    }),
    fieldsFor(form, form.schema.parts.teacher, now),
    h(
      'div',
      { class: 'k-minis' },
      h(
        'button',
        { type: 'button', class: 'k-mini', 'data-name': `teachers.${name}.remove`, onclick: remove },
        t('variants.remove', { name }),
      ),
    ),
  );
}

// Cards of the further teachers and the button that adds one; null where there is no first.
export function furtherTeachers(form, { teacherChoice, anotherTeacher }) {
  const names = Object.keys(teachersOf(form));
  if (!form.config.teacher && !names.length) return null;
  const add = () => {
    let number = 2;
    while (`teacher-${number}` in teachersOf(form)) number += 1;
    teachersOf(form)[`teacher-${number}`] = { ...anotherTeacher(form), weight: 1 };
    form.changed();
    form.rebuild('networks');
    form.rebuild('distillation');
  };
  const most = form.schema.most.teachers;
  return [
    names.map(name => furtherTeacher(form, name, teacherChoice)),
    h(
      'div',
      { class: 'k-minis' },
      h(
        'button',
        { type: 'button', class: 'k-mini', 'data-name': 'teachers.add', disabled: names.length >= most, onclick: add },
        t('teachers.add'),
      ),
      !names.length && h('span', { class: 'k-note' }, t('teachers.add.help', { n: most })),
    ),
    names.length > 0 && whoIsHeard(form),
  ];
}

// A further teacher that no term names teaches nothing: say so before the run.
function whoIsHeard(form) {
  const note = h('p', { class: 'k-note k-warn', role: 'status' });
  form.drawHeard = () => {
    const heard = new Set(terms(form).map(term => term.teacher));
    const idle = heard.has('mean') ? [] : Object.keys(teachersOf(form)).filter(name => !heard.has(name));
    say(note, idle.length ? t('teachers.idle', { names: idle.join(', ') }) : '');
    note.hidden = !idle.length;
  };
  form.drawHeard();
  return note;
}
