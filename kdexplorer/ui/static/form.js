// The form: a view of one RunConfig. What it does not show stays as it came from the preset, the link or the run.

import { h, replace, say } from './dom.js';
import { brief } from './format.js';
import { listen } from './browser.js';
import { field } from './fields.js';
import { dataGroup, dataSummary } from './form_data.js';
import { distillationGroup, distillationSummary } from './form_distillation.js';
import { forgetDraft, keepDraft, keptDraft } from './form_draft.js';
import { Foot } from './form_foot.js';
import { hideParts } from './form_hide.js';
import { networksGroup, networksSummary } from './form_networks.js';
import { fieldsFor, fits } from './form_parts.js';
import { presetChips } from './form_presets.js';
import { forgetAddress, hasConfigInAddress, seedsInAddress } from './form_share.js';
import { studentsOf } from './form_students.js';
import { answering } from './server.js';
import { t, tx } from './words.js';

const CHECK_AFTER = 300; // ms without a change
const SEEDS = [1, 3, 5, 10];
const narrow = matchMedia('(max-width: 900px)'); // the groups start closed, so that the run is near
const clone = value => JSON.parse(JSON.stringify(value));

function seedsField(form) {
  const choices = SEEDS.filter(n => n <= form.most.seeds).map(value => ({ value, title: String(value) }));
  if (choices.length < 2) return null;
  if (!choices.some(choice => choice.value === form.seeds))
    choices.push({ value: form.seeds, title: String(form.seeds) });
  const spec = { kind: 'choice', name: 'seeds', title: t('form.seeds'), help: t('form.seeds.help'), choices };
  return field(spec, form.seeds, seeds => {
    form.seeds = seeds;
    form.foot.label();
    form.changed();
  }).element;
}

const trainingGroup = form => [
  fieldsFor(form, form.schema.fields.training, form.config.training, { around: spec => spec.default }),
  seedsField(form),
  fieldsFor(
    form,
    [{ kind: 'text', name: 'name', title: t('form.name'), help: t('form.name.help'), default: '', maximum: 80 }],
    form.config,
  ),
];
const trainingSummary = form =>
  [
    t('form.trainingSummary', {
      steps: brief(form.config.training.steps),
      batch: brief(form.config.training.batch_size),
      rate: brief(form.config.training.learning_rate),
    }),
    form.seeds > 1 && t('cost.seeds', { n: form.seeds }),
  ]
    .filter(Boolean)
    .join(' · ');

const GROUPS = [
  { id: 'data', draw: dataGroup, sum: dataSummary, open: true },
  { id: 'networks', draw: networksGroup, sum: networksSummary, open: true },
  { id: 'distillation', draw: distillationGroup, sum: distillationSummary, open: true },
  { id: 'training', draw: trainingGroup, sum: trainingSummary, open: false },
];

class Form {
  constructor(element, { server, upload, facts }) {
    Object.assign(this, { element, server, upload, schema: facts.schema });
    this.most = { variants: facts.most_variants, seeds: facts.most_seeds };
    const { presets } = this.schema.catalog;
    this.preset = presets[0]?.id ?? null;
    this.config = clone(presets[0]?.config ?? this.schema.default);
    this.touched = false;
    this.seeds = seedsInAddress(this.most.seeds);
    this.chosen = 0; // the variant that is shown
    this.students = []; // of earlier runs, as teachers
    this.build();
  }

  entries(family) {
    return this.schema.catalog[family] || [];
  }
  entry(family, id) {
    return this.entries(family).find(entry => entry.id === id);
  }

  // Whether the images come with degraded ones.
  paired() {
    return Boolean(this.entry('sources', this.config.data.source.id)?.paired);
  }

  build() {
    this.chips = h('div', { class: 'k-presets', role: 'group', 'aria-label': t('form.presets') });
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
    this.foot = new Foot(this);
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
          hideParts(),
          h(
            'section',
            { class: 'k-preset-block' },
            h('h2', { class: 'k-caps' }, t('form.presets')),
            this.chips,
            this.presetNote,
          ),
          GROUPS.map(group => this.groups[group.id].element),
        ),
        this.foot.element,
      ),
    );
  }

  draw() {
    this.drawPresets();
    for (const group of GROUPS) this.rebuild(group.id);
    this.foot.label();
    this.foot.check(0);
    keepDraft(this);
  }

  drawPresets() {
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.preset : null;
    replace(this.chips, presetChips(this));
    if (focused) this.chips.querySelector(`[data-preset="${CSS.escape(focused)}"]`)?.focus();
    const chosen = this.entry('presets', this.preset);
    say(this.presetNote, chosen ? tx(chosen.summary) : t('form.ownSettings'));
    this.markPreset();
  }

  markPreset() {
    const preset = this.entry('presets', this.preset);
    const edited = preset && JSON.stringify(preset.config) !== JSON.stringify(this.config);
    this.chips.querySelector('[aria-pressed="true"]')?.classList.toggle('k-edited', Boolean(edited));
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

  load(config, preset = null, fromAddress = false) {
    this.config = clone(config);
    const same = JSON.stringify(this.config);
    this.preset = preset ?? this.entries('presets').find(found => JSON.stringify(found.config) === same)?.id ?? null;
    this.touched = false;
    this.chosen = 0;
    if (!fromAddress) forgetAddress();
    this.foot.showProblems([]);
    this.draw();
  }

  // A configuration that a person has brought: a link's, a file's. No run that is opened replaces it.
  takeOver(config, fromAddress = false) {
    this.load(config, null, fromAddress);
    this.touched = true;
    keepDraft(this);
  }

  // The task decides which sources, networks and terms there are: take the first preset that has it.
  loadTask(task) {
    const preset = this.entries('presets').find(found => found.config.task === task);
    if (preset) {
      this.load(preset.config, preset.id);
      return;
    }
    const first = family => this.entries(family).find(entry => fits(entry, task));
    this.load({
      ...clone(this.schema.default),
      task,
      teacher: null,
      variants: [],
      data: { ...clone(this.schema.default.data), source: { id: first('sources')?.id, params: {} }, degradations: [] },
      student: { id: first('models')?.id, params: {}, weights: 'none' },
    });
  }

  // Born again: a finished run's student is the next teacher, of the same task and data as it learnt.
  teach({ run, config, variant, name }) {
    const next = clone(this.config.task === config.task ? this.config : { ...config, parent: null });
    next.teacher = { ...clone(config.student), weights: `run:${run}/${variant}` };
    next.parent = null;
    const value = next.teacher.weights;
    const known = this.students.filter(student => student.value !== value);
    const title = this.students.find(student => student.value === value)?.title ?? `${name} · ${variant}`;
    this.students = [{ value, title, task: config.task, network: next.teacher }, ...known];
    this.load(next);
    this.touched = true;
    keepDraft(this);
    const { element } = this.groups.networks;
    element.open = true;
    if (narrow.matches) element.scrollIntoView();
    else element.parentElement.scrollTop = element.offsetTop - element.parentElement.offsetTop;
    element.querySelector('[data-name="teacher"]')?.focus({ preventScroll: true });
  }

  async findStudents() {
    const answer = await this.server.runs({ offset: 0, limit: 50 });
    const found = studentsOf(answer.runs || []);
    if (JSON.stringify(found) === JSON.stringify(this.students)) return;
    this.students = found;
    if (!this.groups.networks.body.contains(document.activeElement)) this.rebuild('networks');
  }

  changed() {
    this.touched = true;
    for (const group of GROUPS) say(this.groups[group.id].sum, group.sum(this));
    this.drawVariants?.();
    this.drawHeard?.();
    this.drawDynamics?.();
    this.degradation?.changed();
    this.markPreset();
    forgetAddress();
    keepDraft(this);
    this.foot.changed(CHECK_AFTER);
  }

  // These settings are a run now: the form may follow the next run that is opened.
  started() {
    this.touched = false;
    forgetAddress();
    keepDraft(this);
    if (narrow.matches) document.getElementById('kdx-main')?.scrollIntoView({ behavior: 'auto' });
  }
}

function begin(form) {
  const draft = keptDraft(form.schema.default.version);
  if (draft && !hasConfigInAddress()) {
    const { config, preset, touched, seeds, chosen } = draft;
    const fresh = { config: form.config, preset: form.preset, touched: false, seeds: form.seeds, chosen: 0 };
    Object.assign(form, { config, preset, touched, chosen });
    if (Number.isInteger(seeds) && seeds <= form.most.seeds) form.seeds = seeds;
    try {
      form.draw();
      return;
    } catch (error) {
      console.warn('The draft of the form could not be drawn.', error);
      forgetDraft();
      Object.assign(form, fresh);
    }
  }
  form.draw();
  if (hasConfigInAddress()) {
    form.touched = true; // a run in the same address must not be quicker
    form.foot.share.openAddress();
  }
}

export function mount(element, context) {
  const form = new Form(element, { ...context, server: answering(context.server) });
  begin(form);
  listen('settings', ({ config, force }) => {
    if (force || !form.touched) form.load({ ...config, parent: null });
  });
  listen('teach', found => form.teach(found));
  listen('runs-changed', () => form.findStudents());
  form.findStudents();
  window.kdx = { ...window.kdx, form: { config: () => clone(form.config), load: config => form.load(config) } };
}
