// How to look: the algorithm, the class that is explained, and a layer of the teacher and of the students.

import { h, unique } from './dom.js';
import { t, tx } from './words.js';

export class AttentionChoices {
  constructor(changed) {
    this.changed = changed;
    this.selects = {};
    this.element = h(
      'div',
      { class: 'k-look-choices' },
      ['algorithm', 'target', 'teacher', 'student'].map(name => this.field(name)),
    );
  }

  field(name) {
    const id = unique('look');
    const select = h('select', { id, 'data-name': name, onchange: () => this.turn() });
    const field = h('label', { class: 'k-look-choice', for: id }, h('span', {}, t(`look.${name}`)), select);
    this.selects[name] = { select, field };
    return field;
  }

  turn() {
    this.suit();
    this.changed();
  }

  // facts: the answer to `facts`
  show(facts) {
    this.facts = facts;
    const { algorithm, target, teacher, student } = this.selects;
    const fill = ({ select, field }, options, chosen) => {
      select.replaceChildren(...options.map(([value, text]) => h('option', { value }, text)));
      if (chosen !== null && chosen !== undefined) select.value = chosen;
      field.hidden = !options.length;
    };
    fill(
      algorithm,
      facts.algorithms.map(({ id, title }) => [id, tx(title)]),
    );
    fill(
      target,
      facts.classes.length
        ? [
            ['label', t('look.target.label')],
            ['predicted', t('look.target.predicted')],
            ...facts.classes.map((name, i) => [String(i), name]),
          ]
        : [],
    );
    for (const [role, field] of [
      ['teacher', teacher],
      ['student', student],
    ]) {
      fill(
        field,
        (facts.layers[role] ?? []).map(({ name, shape }) => [name, `${name} · ${shape.join(' × ')}`]),
        facts.layer[role],
      );
    }
    this.element.hidden = false;
    this.suit();
  }

  // Layers play no part in algorithms that go through to the pixels; a class none in those on features.
  suit() {
    const chosen = this.facts.algorithms.find(({ id }) => id === this.selects.algorithm.select.value);
    for (const role of ['teacher', 'student']) this.selects[role].select.disabled = chosen?.layered === false;
    this.selects.target.select.disabled = chosen?.id === 'attention';
  }

  get values() {
    const { algorithm, target, teacher, student } = this.selects;
    const said = target.select.value || 'label';
    return {
      algorithm: algorithm.select.value || null,
      target: /^\d+$/.test(said) ? Number(said) : said,
      layer: { teacher: teacher.select.value || null, student: student.select.value || null },
    };
  }

  // Which class the maps explain, in words.
  explained(truth) {
    const { target } = this.values;
    if (!this.facts.classes.length || this.selects.target.select.disabled) return '';
    if (target === 'predicted') return t('look.explained.predicted');
    return t('look.explained', { name: target === 'label' ? truth : this.facts.classes[target] });
  }
}
