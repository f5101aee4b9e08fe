// The form: a view of one RunConfig. What it does not show stays as it came from the preset, the link or the run.

import { h, replace, say } from './dom.js';
import { brief, count } from './format.js';
import { listen, signal, showTab, token } from './browser.js';
import { dataGroup, dataSummary } from './form_data.js';
import { distillationGroup, distillationSummary } from './form_distillation.js';
import { networksGroup, networksSummary } from './form_networks.js';
import { fieldsFor } from './form_parts.js';
import { answering } from './server.js';
import { t } from './words.js';

const CHECK_AFTER = 300; // ms without a change
const CHECK_AGAIN = 2500;
const narrow = matchMedia('(max-width: 900px)'); // the groups start closed, so that the run is near
const clone = value => JSON.parse(JSON.stringify(value));

const trainingGroup = form => [
  fieldsFor(form, form.schema.fields.training, form.config.training, { around: spec => spec.default }),
  fieldsFor(
    form,
    [{ kind: 'text', name: 'name', title: t('form.name'), help: t('form.name.help'), default: '', maximum: 80 }],
    form.config,
  ),
];
const trainingSummary = form =>
  t('form.trainingSummary', {
    steps: brief(form.config.training.steps),
    batch: brief(form.config.training.batch_size),
    rate: brief(form.config.training.learning_rate),
  });

const GROUPS = [
  { id: 'data', draw: dataGroup, sum: dataSummary, open: true },
  { id: 'networks', draw: networksGroup, sum: networksSummary, open: true },
  { id: 'distillation', draw: distillationGroup, sum: distillationSummary, open: true },
  { id: 'training', draw: trainingGroup, sum: trainingSummary, open: false },
];

class Form {
  constructor(element, { server, upload, facts }) {
    Object.assign(this, { element, server, upload, schema: facts.schema });
    const { presets } = this.schema.catalog;
    this.preset = presets[0]?.id ?? null;
    this.config = clone(presets[0]?.config ?? this.schema.default);
    this.touched = false;
    this.asked = 0;
    this.build();
  }

  entries(family) {
    return this.schema.catalog[family] || [];
  }
  entry(family, id) {
    return this.entries(family).find(entry => entry.id === id);
  }

  build() {
    this.chips = h('div', { class: 'k-chips k-presets', role: 'group', 'aria-label': t('form.presets') });
    this.presetNote = h('p', { class: 'k-preset-note' });
    this.groups = Object.fromEntries(
      GROUPS.map((group, index) => {
        const sum = h('span', { class: 'k-sum' });
        const body = h('div', { class: 'k-group-body' });
        const element = h(
          'details',
          { class: 'k-group', open: group.open && !narrow.matches, dataset: { group: group.id } },
          h(
            'summary',
            {},
            h('span', { class: 'k-badge', 'aria-hidden': 'true' }, index + 1),
            h('span', { class: 'k-group-title' }, h('span', {}, t(`group.${group.id}`)), sum),
          ),
          body,
        );
        return [group.id, { element, body, sum }];
      }),
    );
    this.pair = h('div', { class: 'k-pair', 'aria-live': 'polite' });
    this.message = h('div', { class: 'k-message', role: 'alert' });
    this.button = h(
      'button',
      { type: 'button', class: 'k-primary', id: 'kdx-distill', onclick: () => this.start() },
      t('form.distill'),
    );
    replace(
      this.element,
      h(
        'form',
        {
          class: 'k-form',
          'aria-label': t('form.title'),
          onsubmit: event => event.preventDefault(),
          autocomplete: 'off',
        },
        h(
          'div',
          { class: 'k-form-scroll' },
          h(
            'section',
            { class: 'k-preset-block' },
            h('h2', { class: 'k-caps' }, t('form.presets')),
            this.chips,
            this.presetNote,
          ),
          GROUPS.map(group => this.groups[group.id].element),
        ),
        h('footer', { class: 'k-form-foot' }, this.pair, this.message, this.button),
      ),
    );
    this.draw();
  }

  draw() {
    this.drawPresets();
    for (const group of GROUPS) this.rebuild(group.id);
    this.check(0);
  }

  drawPresets() {
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.preset : null;
    replace(
      this.chips,
      this.entries('presets').map(preset =>
        h(
          'button',
          {
            type: 'button',
            class: 'k-chip',
            'aria-pressed': String(preset.id === this.preset),
            dataset: { preset: preset.id },
            title: preset.summary,
            onclick: () => this.load(preset.config, preset.id),
          },
          preset.title,
        ),
      ),
    );
    if (focused) this.chips.querySelector(`[data-preset="${CSS.escape(focused)}"]`)?.focus();
    const chosen = this.entry('presets', this.preset);
    say(this.presetNote, chosen ? chosen.summary : t('form.ownSettings'));
  }

  // Draws a group again after its shape has changed; the focus stays on the field of the same name.
  rebuild(id) {
    const { body, sum } = this.groups[id];
    const inside = body.contains(document.activeElement) ? document.activeElement : null;
    const names = inside?.dataset.name;
    const value = inside?.type === 'radio' ? inside.value : null;
    const group = GROUPS.find(found => found.id === id);
    replace(body, group.draw(this));
    say(sum, group.sum(this));
    if (names) {
      [...body.querySelectorAll(`[data-name="${CSS.escape(names)}"]`)]
        .find(node => value === null || node.value === value)
        ?.focus({ preventScroll: true });
    }
  }

  load(config, preset = null) {
    this.config = clone(config);
    const same = JSON.stringify(this.config);
    this.preset = preset ?? this.entries('presets').find(found => JSON.stringify(found.config) === same)?.id ?? null;
    this.touched = false;
    say(this.message, '');
    this.draw();
  }

  // The task decides which sources, networks and terms there are: take the first preset that has it.
  loadTask(task) {
    const preset = this.entries('presets').find(found => found.config.task === task);
    if (preset) {
      this.load(preset.config, preset.id);
      return;
    }
    const first = family => this.entries(family).find(entry => !entry.tasks.length || entry.tasks.includes(task));
    this.load({
      ...clone(this.schema.default),
      task,
      teacher: null,
      variants: [],
      data: { ...clone(this.schema.default.data), source: { id: first('sources')?.id, params: {} }, degradations: [] },
      student: { id: first('models')?.id, params: {}, weights: 'none' },
    });
  }

  changed() {
    this.touched = true;
    for (const group of GROUPS) say(this.groups[group.id].sum, group.sum(this));
    if (this.preset) {
      const preset = this.entry('presets', this.preset);
      if (preset && JSON.stringify(preset.config) !== JSON.stringify(this.config)) {
        this.chips.querySelector('[aria-pressed="true"]')?.classList.add('k-edited');
      } else this.chips.querySelector('.k-edited')?.classList.remove('k-edited');
    }
    this.check(CHECK_AFTER);
  }

  check(delay) {
    clearTimeout(this.timer);
    const number = ++this.asked;
    this.timer = setTimeout(async () => {
      this.pair.classList.add('k-pending');
      const answer = await this.server.check({ config: this.config });
      if (number !== this.asked) return;
      this.pair.classList.remove('k-pending');
      this.showPair(answer);
      this.showProblems(answer.problems || [], false);
      if (!answer.student && !answer.problems?.length) this.check(CHECK_AGAIN); // who can tell is still loading
    }, delay);
  }

  showPair({ teacher, student, compression }) {
    const name = network => this.entry('models', network.model)?.title || network.model;
    if (!student) {
      replace(this.pair, h('span', { class: 'k-quiet' }, t('form.pairUnknown')));
      return;
    }
    replace(
      this.pair,
      teacher && [
        h('span', { class: 'k-swatch', style: { background: 'var(--teacher)' } }),
        h('span', {}, `${name(teacher)} `, h('b', {}, count(teacher.parameters))),
        h('span', { class: 'k-arrow' }, '→'),
      ],
      h('span', { class: 'k-swatch', style: { background: 'var(--distilled)' } }),
      h('span', {}, `${name(student)} `, h('b', {}, count(student.parameters))),
      compression &&
        h(
          'span',
          { class: 'k-ratio' },
          t('form.smaller', { ratio: compression < 10 ? brief(compression, 2) : Math.round(compression) }),
        ),
    );
  }

  showProblems(problems, loud) {
    this.message.classList.toggle('k-loud', loud);
    replace(
      this.message,
      problems.slice(0, 6).map(line => h('p', {}, line)),
    );
  }

  // What is marked in a field is said beside the button too; the first one is shown and focused.
  blame() {
    const marked = [...this.element.querySelectorAll('[aria-invalid="true"]')];
    for (let node = marked[0]?.parentElement; node && node !== this.element; node = node.parentElement) {
      if (node.tagName === 'DETAILS') node.open = true;
    }
    marked[0]?.focus();
    return marked.map(node => {
      const holder = node.closest('.k-field');
      return `${holder.querySelector('label').textContent}: ${holder.querySelector('.k-trouble').textContent}`;
    });
  }

  async start() {
    if (this.button.disabled) return;
    const blamed = this.blame();
    if (blamed.length) {
      this.asked += 1;
      clearTimeout(this.timer);
      this.showProblems(blamed, true);
      return;
    }
    const config = clone(this.config);
    this.button.disabled = true;
    say(this.button, t('form.starting'));
    this.showProblems([], false);
    const answer = await this.server.start({ config, token: token() });
    this.button.disabled = false;
    say(this.button, t('form.distill'));
    if (answer.error) {
      this.asked += 1; // a check that is on its way must not wipe this out
      clearTimeout(this.timer);
      this.showProblems(answer.error.split('\n'), true);
      return;
    }
    showTab('distill');
    signal('open', { run: answer.run, fresh: true });
    signal('runs-changed');
    if (narrow.matches) document.getElementById('kdx-main')?.scrollIntoView({ behavior: 'auto' });
  }
}

export function mount(element, context) {
  const form = new Form(element, { ...context, server: answering(context.server) });
  listen('settings', ({ config, force }) => {
    if (force || !form.touched) form.load({ ...config, parent: null });
  });
  window.kdx = { ...window.kdx, form: { config: () => clone(form.config), load: config => form.load(config) } };
}
