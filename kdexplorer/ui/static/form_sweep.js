// A sweep: one setting of the chosen variant at several values, a variant each.

import { h, replace, say } from './dom.js';
import { brief } from './format.js';
import { field } from './fields.js';
import { termId, titleOfTerm } from './form_differences.js';
import { t, tx } from './words.js';

const SHORT = { temperature: 't', weight: 'w', task_weight: 'label' };
const clone = value => JSON.parse(JSON.stringify(value));
const numeric = spec => spec.kind === 'int' || spec.kind === 'float';

// What can be swept: {value, title, spec, now, put(variant, value)}.
export function settingsOf(form, variant) {
  const { parts } = form.schema;
  const averaged = variant.terms.some(term => term.teacher === 'ema');
  const dynamics = parts.dynamics.filter(
    ({ name }) => (name === 'balance' && variant.terms.length > 0) || (name === 'ema_decay' && averaged),
  );
  const own = [...parts.variant.filter(numeric), ...dynamics].map(spec => ({
    value: spec.name,
    title: tx(spec.title),
    spec,
    now: variant[spec.name] ?? spec.default,
    put: (target, value) => Object.assign(target, { [spec.name]: value }),
  }));
  const ofTerms = variant.terms.flatMap(term => {
    const find = target => target.terms.find(other => termId(other) === termId(term));
    const title = titleOfTerm(form, term);
    const weight = parts.term.find(spec => spec.name === 'weight');
    const params = form.entry('methods', term.method)?.params ?? [];
    return [
      {
        value: `${termId(term)}.weight`,
        title: t('form.weightOf', { term: title }),
        spec: weight,
        now: term.weight,
        put: (target, value) => Object.assign(find(target), { weight: value }),
      },
      ...params
        .filter(spec => spec.kind !== 'text')
        .map(spec => ({
          value: `${termId(term)}.params.${spec.name}`,
          title: `${title}: ${tx(spec.title)}`,
          spec,
          now: term.params[spec.name] ?? spec.default,
          put: (target, value) => {
            find(target).params = { ...find(target).params, [spec.name]: value };
          },
        })),
    ];
  });
  const first = ofTerms.findIndex(setting => setting.spec.name === 'temperature');
  return first > 0 ? [ofTerms[first], ...ofTerms.filter((_, i) => i !== first), ...own] : [...ofTerms, ...own];
}

// 't4', 'w0_5', 'norm-l2': names as the configuration allows them.
export function nameOf(spec, value) {
  const stem = SHORT[spec.name] ?? spec.name.replace(/[^a-z0-9]/g, '').slice(0, 14);
  if (!numeric(spec))
    return `${stem}-${String(value)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '_')}`.slice(0, 32);
  return `${stem}${String(Number(value.toPrecision(4)))
    .replace('.', '_')
    .replace('+', '')
    .replace(/^-/, 'm')}`;
}

// The values of a list as a person writes it → {values} or {problem}.
export function valuesOf(spec, text, most) {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  if (!parts.length) return { problem: t('sweep.empty') };
  const choices = spec.kind === 'bool' ? [true, false] : spec.choices;
  const values = [];
  for (const part of parts) {
    const value = numeric(spec) ? Number(part) : choices.find(choice => String(choice) === part);
    if (value === undefined || Number.isNaN(value))
      return { problem: numeric(spec) ? t('field.number') : t('sweep.oneOf', { choices: choices.join(', ') }) };
    if (spec.kind === 'int' && !Number.isInteger(value)) return { problem: t('field.whole') };
    if (numeric(spec) && ((spec.minimum ?? -Infinity) > value || value > (spec.maximum ?? Infinity)))
      return { problem: t('field.between', { low: brief(spec.minimum), high: brief(spec.maximum) }) };
    if (!values.includes(value)) values.push(value);
  }
  if (values.length > most) return { problem: t('sweep.most', { n: most }) };
  return { values };
}

// From–to–count as a list; each value with three digits, whole where the setting is.
export function rangeOf(spec, { from, to, count, log }) {
  if (count < 2) return [from];
  const at = i =>
    log && from > 0 && to > 0 ? from * (to / from) ** (i / (count - 1)) : from + ((to - from) * i) / (count - 1);
  const tidy = value => (spec.kind === 'int' ? Math.round(value) : Number(value.toPrecision(3)));
  return [...new Set(Array.from({ length: count }, (_, i) => tidy(at(i))))];
}

function startOf(setting, most) {
  const { spec, now } = setting;
  if (!numeric(spec)) return (spec.kind === 'bool' ? [false, true] : spec.choices).slice(0, most).join(', ');
  const fits = value => (spec.minimum ?? -Infinity) <= value && value <= (spec.maximum ?? Infinity);
  const scaled = [0.25, 0.5, 1, 2].map(factor => Number(((now || 1) * factor).toPrecision(3)));
  const found = spec.name === 'temperature' ? [1, 2, 4, 8] : spec.kind === 'int' ? scaled.map(Math.round) : scaled;
  return [...new Set(found.filter(fits))].slice(0, most).join(', ');
}

// `base`: the variant whose settings all of them take, but for the one that is swept.
export function openSweep(form, base) {
  const most = form.most.variants;
  const settings = settingsOf(form, base);
  let setting = settings[0];
  let sure = false;
  const range = { from: 1, to: 8, count: Math.min(4, most), log: true };
  const body = h('div', { class: 'k-fields' });
  const preview = h('p', { class: 'k-note k-sweep-preview', 'aria-live': 'polite' });
  const go = h('button', {
    type: 'button',
    class: 'k-button k-strong',
    'data-name': 'sweep.go',
    onclick: () => fill(),
  });
  const dialog = h(
    'dialog',
    { class: 'k-dialog', 'aria-labelledby': 'kdx-sweep-title' },
    h('h2', { id: 'kdx-sweep-title', tabindex: -1, autofocus: true }, t('sweep.title')),
    h('p', { class: 'k-note' }, t('sweep.help')),
    body,
    preview,
    h(
      'div',
      { class: 'k-dialog-foot' },
      h('button', { type: 'button', class: 'k-button', onclick: () => dialog.close() }, t('cancel')),
      go,
    ),
  );
  let list = null;
  let text = '';

  function show() {
    sure = false;
    const { values, problem } = valuesOf(setting.spec, text, most);
    say(preview, problem ?? `→ ${values.map(value => nameOf(setting.spec, value)).join(' · ')}`);
    preview.classList.toggle('k-warn', Boolean(problem));
    go.disabled = Boolean(problem);
    say(go, t('sweep.fill', { n: values?.length ?? 0 }));
  }
  function spread() {
    text = rangeOf(setting.spec, range).join(', ');
    list.set(text);
    show();
  }
  function draw() {
    text = startOf(setting, most);
    const values = valuesOf(setting.spec, text, most).values ?? [setting.now];
    Object.assign(range, { from: values[0], to: values.at(-1), log: setting.spec.kind === 'float' && values[0] > 0 });
    const bounded = (name, kind, title, help, more = {}) =>
      field(
        { kind, name: `sweep.${name}`, title, help, default: range[name], slider: false, ...more },
        range[name],
        value => {
          range[name] = value;
          spread();
        },
      ).element;
    const bounds = { minimum: setting.spec.minimum, maximum: setting.spec.maximum };
    list = field(
      { kind: 'text', name: 'sweep.values', title: t('sweep.values'), help: t('sweep.values.help') },
      text,
      value => {
        text = value;
        show();
      },
    );
    replace(
      body,
      choice,
      list.element,
      numeric(setting.spec) &&
        h(
          'div',
          { class: 'k-sweep-range', role: 'group', 'aria-label': t('sweep.range') },
          bounded('from', setting.spec.kind, t('sweep.from'), t('sweep.from.help'), bounds),
          bounded('to', setting.spec.kind, t('sweep.to'), t('sweep.to.help'), bounds),
          bounded('count', 'int', t('sweep.count'), t('sweep.count.help'), { minimum: 2, maximum: most }),
          bounded('log', 'bool', t('sweep.log'), t('sweep.log.help')),
        ),
    );
    show();
  }
  function fill() {
    const { values } = valuesOf(setting.spec, text, most);
    if (!values) return;
    if (form.config.variants.length > 1 && !sure) {
      sure = true;
      say(go, t('sweep.sure', { n: form.config.variants.length }));
      return;
    }
    form.config.variants = values.map(value => {
      const variant = { ...clone(base), name: nameOf(setting.spec, value) };
      setting.put(variant, value);
      return variant;
    });
    form.chosen = 0;
    form.changed();
    form.rebuild('distillation');
    dialog.close();
  }

  const choice = field(
    {
      kind: 'choice',
      name: 'sweep.setting',
      title: t('sweep.setting'),
      help: t('sweep.setting.help'),
      choices: settings.map(({ value, title }) => ({ value, title })),
      segments: false,
    },
    setting.value,
    value => {
      setting = settings.find(found => found.value === value);
      draw();
    },
  ).element;
  draw();
  dialog.addEventListener('close', () => dialog.remove());
  form.element.append(dialog);
  dialog.showModal();
}
