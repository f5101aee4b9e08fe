// Which layer of the student is compared with which of the teacher: two columns, and lines between what is paired.

import { h, replace, say, svg } from './dom.js';
import { field } from './fields.js';
import { termId } from './form_differences.js';
import { fold, follow, refresh } from './form_term_parts.js';
import { t } from './words.js';

const ROW = 34; // px, as the style sheet has it
const PATH = /^[^\x00-\x1f]{1,200}$/;

// The place of the network that teaches, among those that the server has described.
export function placeOf(term) {
  const who = term.teacher ?? 'teacher';
  if (who === 'teacher' || who === 'mean') return 'teacher';
  if (['self', 'ema', 'peers'].includes(who) || who.startsWith('variant:')) return 'student';
  return `teachers.${who}`;
}

function layersOf(form, entry, place) {
  const attention = entry.layers === 'attention';
  const found = (attention ? form.facts?.attention : form.facts?.stages)?.[place] ?? [];
  return found.map(({ name, path, shape, heads }) => ({
    name,
    path,
    about: attention ? t('pairs.heads', { n: heads }) : shape.join(' × '),
  }));
}

// What the run takes while nothing is named.
export function automatic(form, entry, variant, term) {
  const who = term.teacher === 'self' ? 'self' : placeOf(term);
  const proposed = who === 'student' ? null : form.facts?.pairing?.[who]?.[entry.layers];
  return proposed ?? form.facts?.terms?.[variant.name]?.[termId(term)]?.layers ?? [];
}

const is = (layer, named) => layer.name === named || layer.path === named;

// Layers that are named by their path only have a row of their own.
function rowsOf(known, named) {
  const other = [...new Set(named.filter(name => !known.some(layer => is(layer, name))))];
  return [...known, ...other.map(name => ({ name, path: name, about: known.length ? t('pairs.byPath') : '' }))];
}

class Pairing {
  constructor(form, entry, variant, term) {
    Object.assign(this, { form, entry, variant, term });
    this.chosen = null; // the student's layer that waits for its partner
    this.columns = h('div', { class: 'k-pairs-columns' });
    this.hint = h('p', { class: 'k-note', 'aria-live': 'polite' });
    this.back = h(
      'button',
      {
        type: 'button',
        class: 'k-mini',
        'data-name': 'pairs.automatic',
        onclick: () => this.put([]),
      },
      t('pairs.back'),
    );
    this.element = h(
      'div',
      {
        class: 'k-pairs',
        role: 'group',
        'aria-label': t('pairs.title'),
        onkeydown: event => {
          if (event.key !== 'Escape' || this.chosen === null) return;
          event.stopPropagation();
          this.chosen = null;
          this.draw();
        },
      },
      this.columns,
      this.hint,
      h('div', { class: 'k-minis' }, this.back),
      this.byHand(),
    );
    follow(form, () => this.draw());
  }

  get own() {
    return this.term.layers ?? [];
  }

  get pairs() {
    return this.own.length ? this.own : automatic(this.form, this.entry, this.variant, this.term);
  }

  put(layers) {
    this.term.layers = layers;
    this.chosen = null;
    this.form.changed();
    refresh(this.form);
  }

  // Pairs the two, or parts them.
  toggle(student, teacher) {
    const same = pair => is(student, pair.student) && is(teacher, pair.teacher);
    const rest = this.pairs.filter(pair => !same(pair));
    const parted = rest.length < this.pairs.length;
    if (!parted && rest.length >= this.form.schema.most.pairs) {
      say(this.hint, t('pairs.most', { n: this.form.schema.most.pairs }));
      return;
    }
    this.put(parted ? rest : [...rest, { student: student.name, teacher: teacher.name }]);
  }

  draw() {
    const focused = this.columns.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const { form, entry, pairs } = this;
    const place = placeOf(this.term);
    const rows = (where, side) =>
      rowsOf(
        layersOf(form, entry, where),
        pairs.map(pair => pair[side]),
      );
    const students = rows('student', 'student');
    const teachers = rows(place, 'teacher');
    const partners = (layer, from, to) => pairs.filter(pair => is(layer, pair[from])).map(pair => pair[to]);
    const button = (layer, side, names) =>
      h(
        'button',
        {
          type: 'button',
          class: `k-layer k-layer-${side}${names.length ? ' k-paired' : ''}`,
          'data-name': `pairs.${side}.${layer.name}`,
          'aria-pressed': String(side === 'student' ? this.chosen === layer.name : names.length > 0),
          'aria-label': [
            layer.name,
            layer.about,
            names.length ? t('pairs.with', { names: names.join(', ') }) : t('pairs.alone'),
          ].join(', '),
          title: `${layer.path} · ${layer.about}`,
          onclick: () => this.press(layer, side, students),
        },
        h('b', {}, layer.name),
        h('small', {}, layer.about),
      );
    const column = (layers, side, other) =>
      h(
        'div',
        {},
        layers.map(layer => button(layer, side, partners(layer, side, other))),
      );
    const height = ROW * Math.max(students.length, teachers.length, 1);
    const at = (rows, name) => (rows.findIndex(layer => is(layer, name)) + 0.5) * ROW;
    const lines = svg(
      'svg',
      { class: 'k-pairs-lines', viewBox: `0 0 40 ${height}`, width: 40, height, 'aria-hidden': 'true' },
      pairs.map(pair => {
        const [from, to] = [at(students, pair.student), at(teachers, pair.teacher)];
        return svg('path', { d: `M0 ${from}C20 ${from} 20 ${to} 40 ${to}` });
      }),
    );
    replace(
      this.columns,
      h('h4', {}, t('form.student')),
      h('span', {}),
      h('h4', {}, place === 'student' ? t('pairs.itself') : t('form.teacher')),
      column(students, 'student', 'teacher'),
      lines,
      column(teachers, 'teacher', 'student'),
    );
    if (focused) this.columns.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.columns.classList.toggle('k-automatic', !this.own.length);
    this.back.disabled = !this.own.length;
    say(this.hint, this.chosen ? t('pairs.choose', { name: this.chosen }) : this.said(students));
  }

  said(students) {
    if (!students.length) return t('pairs.waiting');
    return this.own.length ? t('pairs.own') : t('pairs.auto');
  }

  press(layer, side, students) {
    const waiting = students.find(student => student.name === this.chosen);
    if (side === 'teacher' && waiting) {
      this.toggle(waiting, layer);
      return;
    }
    if (side === 'teacher') {
      say(this.hint, t('pairs.first'));
      return;
    }
    this.chosen = this.chosen === layer.name ? null : layer.name;
    this.draw();
  }

  // Layers that are no stage, by the path of their module.
  byHand() {
    const typed = { student: '', teacher: '' };
    const box = side =>
      field(
        {
          kind: 'text',
          name: `pairs.path.${side}`,
          title: side === 'student' ? t('pairs.studentPath') : t('pairs.teacherPath'),
          help: t('pairs.path.help'),
          maximum: 200,
          check: text => (text.trim() && !PATH.test(text) ? t('pairs.pathRule') : ''),
        },
        '',
        value => {
          typed[side] = value.trim();
        },
      );
    const boxes = ['student', 'teacher'].map(box);
    const add = () => {
      if (!typed.student || !typed.teacher) {
        say(this.hint, t('pairs.bothPaths'));
        return;
      }
      const layer = name => ({ name, path: name });
      this.toggle(layer(typed.student), layer(typed.teacher));
      Object.assign(typed, { student: '', teacher: '' });
      for (const each of boxes) each.set('');
    };
    return fold(this.form, `${this.variant.name}.${termId(this.term)}.byPath`, t('pairs.byHand'), {
      body: () => [
        boxes.map(each => each.element),
        h('button', { type: 'button', class: 'k-button', 'data-name': 'pairs.add', onclick: add }, t('pairs.add')),
      ],
    });
  }
}

export const pairingEditor = (form, entry, variant, term) => new Pairing(form, entry, variant, term).element;

// '3 pairs, automatic'.
export function pairingWords(form, entry, variant, term) {
  const own = term.layers ?? [];
  const n = own.length || automatic(form, entry, variant, term).length;
  if (!n) return form.facts ? t('pairs.none') : '';
  return t(own.length ? 'pairs.summaryOwn' : 'pairs.summaryAuto', { n });
}
