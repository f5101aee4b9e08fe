// Knobs that turn while a run goes on: sent on release, applied between two steps, marked on the curves.

import { h, replace, say } from './dom.js';
import { brief } from './format.js';
import { colorOf, stripe } from './colors.js';
import { field, spoken } from './fields.js';
import { t, tx } from './words.js';

// Every knob of a run: the name its command uses, what draws it, its value in the configuration, and its path there.
export function knobsOf(config, facts) {
  const { fields, methods } = facts;
  const knobs = [];
  if (fields.learning_rate) {
    knobs.push({
      knob: 'learning_rate',
      group: '',
      spec: fields.learning_rate,
      start: config.training.learning_rate,
      path: 'training.learning_rate',
    });
  }
  for (const variant of config.variants) {
    const group = variant.name;
    if (fields.task_weight) {
      knobs.push({
        knob: `${group}.task_weight`,
        group,
        spec: { ...fields.task_weight, maximum: 10 },
        start: variant.task_weight,
        path: `variants.${group}.task_weight`,
      });
    }
    for (const term of variant.terms) {
      const method = methods[term.method];
      const id = term.name || term.method;
      const title = term.name || tx(method?.title ?? spoken(term.method));
      if (fields.weight) {
        knobs.push({
          knob: `${group}.${id}.weight`,
          group,
          start: term.weight,
          path: `variants.${group}.terms.${id}.weight`,
          spec: { ...fields.weight, title: t('knob.weight', { term: title }), around: term.weight || 1 },
        });
      }
      for (const param of method?.params ?? []) {
        knobs.push({
          knob: `${group}.${id}.${param.name}`,
          group,
          start: term.params[param.name] ?? param.default,
          spec: param,
          path: `variants.${group}.terms.${id}.params.${param.name}`,
        });
      }
    }
  }
  return knobs;
}

const MOST_SHOWN = 2; // variants whose knobs stand below each other; of more, one is shown at a time

const close = (a, b) => Math.abs(a - b) <= 1e-6 * Math.max(1e-12, Math.abs(a), Math.abs(b));

export class Knobs {
  // send(command) → {error} or {ok}
  constructor(send, facts) {
    Object.assign(this, { send, facts, shown: null, widgets: [], run: null });
    this.body = h('div', { class: 'k-knobs' });
    this.why = h('p', { class: 'k-note', 'aria-live': 'polite' }, t('knob.caption'));
    this.element = h(
      'section',
      { class: 'k-panel k-knob-panel', 'aria-label': t('knob.title') },
      h('h3', {}, t('knob.title')),
      this.body,
      this.why,
    );
    this.empty();
  }

  empty() {
    this.shown = null;
    this.widgets = [];
    replace(this.body, h('p', { class: 'k-ghost-text' }, t('knob.empty')));
  }

  // The values that hold now: the configuration's, then each turn of the log.
  static values(run, facts) {
    const values = Object.fromEntries(knobsOf(run.config, facts).map(knob => [knob.knob, knob.start]));
    for (const turn of run.knobs) values[turn.knob] = turn.new;
    return values;
  }

  show(run) {
    this.run = run;
    if (!run.config) return;
    if (this.shown !== run.id) this.build(run);
    const values = Knobs.values(run, this.facts);
    const can = run.mine && run.active;
    for (const widget of this.widgets) {
      const value = values[widget.knob];
      if (widget.pending !== null && (close(value, widget.pending) || this.refusedSince(widget)))
        this.settle(widget, value);
      if (widget.pending === null && !widget.held && !close(widget.field.get(), value)) widget.field.set(value);
      widget.field.disable(!can);
    }
    say(
      this.why,
      can
        ? t('knob.caption')
        : run.over
          ? t('knob.over')
          : run.status === 'queued'
            ? t('knob.queued')
            : run.mine
              ? t('knob.caption')
              : t('run.notYours'),
    );
  }

  refusedSince(widget) {
    const refusal = this.run.refused
      .slice(widget.refusals)
      .find(found => found.command === 'set' || found.reason.includes(widget.knob));
    if (refusal) say(widget.state, refusal.reason);
    return Boolean(refusal);
  }

  settle(widget, value) {
    const refused = !close(value, widget.pending);
    widget.pending = null;
    widget.element.classList.remove('k-pending');
    widget.field.set(value);
    if (refused) return;
    const turn = this.run.knobs.findLast(found => found.knob === widget.knob);
    say(widget.state, turn ? t('knob.applied', { step: turn.step.toLocaleString('en-US') }) : '');
    widget.element.classList.remove('k-done');
    void widget.element.offsetWidth; // restarts the flash
    widget.element.classList.add('k-done');
  }

  build(run) {
    this.shown = run.id;
    this.widgets = knobsOf(run.config, this.facts).map(knob => {
      const widget = {
        ...knob,
        pending: null,
        held: false,
        refusals: 0,
        state: h('span', { class: 'k-knob-state', role: 'status' }),
      };
      widget.field = field(
        { ...knob.spec, name: knob.knob, default: knob.start, around: knob.spec.around ?? knob.start },
        knob.start,
        (value, final) => {
          widget.held = !final;
          if (final) this.turn(widget, value);
        },
      );
      widget.element = h(
        'div',
        {
          class: 'k-knob',
          dataset: { knob: knob.knob },
          onfocusout: () => {
            if (widget.element.querySelector('[aria-invalid]')) {
              widget.held = false;
              widget.field.set(Knobs.values(this.run, this.facts)[knob.knob]);
            }
          },
        },
        widget.field.element,
        widget.state,
      );
      return widget;
    });
    const names = run.config.variants.map(variant => variant.name);
    const groups = [...new Set(this.widgets.map(widget => widget.group))];
    const one = names.length > MOST_SHOWN;
    const sections = new Map(groups.map(group => [group, this.section(group, names)]));
    if (!names.includes(this.group)) [this.group] = names;
    const pick = () => {
      for (const [group, section] of sections) section.hidden = one && group !== '' && group !== this.group;
    };
    pick();
    replace(
      this.body,
      sections.get(''),
      one && this.tabs(names, pick),
      [...sections].filter(([group]) => group).map(([, section]) => section),
    );
  }

  section(group, names) {
    const swatch = group && h('span', { class: 'k-swatch', style: { background: colorOf(group, names) } });
    return h(
      'div',
      { class: 'k-knob-group' },
      h('h4', {}, swatch, group || t('knob.all')),
      h(
        'div',
        { class: 'k-knob-row' },
        this.widgets.filter(widget => widget.group === group).map(widget => widget.element),
      ),
    );
  }

  tabs(names, pick) {
    const buttons = names.map(name =>
      h(
        'button',
        {
          type: 'button',
          class: 'k-variant',
          'aria-pressed': String(name === this.group),
          style: { backgroundImage: stripe(colorOf(name, names)) },
          onclick: () => {
            this.group = name;
            buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(names[i] === name)));
            pick();
          },
        },
        h('b', {}, name),
      ),
    );
    return h('div', { class: 'k-variants k-knob-tabs', role: 'group', 'aria-label': t('variants.title') }, buttons);
  }

  async turn(widget, value) {
    const now = Knobs.values(this.run, this.facts)[widget.knob];
    if (close(now, value)) return;
    widget.pending = value;
    widget.refusals = this.run.refused.length;
    widget.element.classList.add('k-pending');
    say(widget.state, t('knob.pending', { value: brief(value) }));
    const answer = await this.send({ kind: 'set', knob: widget.knob, value });
    if (answer.error) {
      widget.pending = null;
      widget.element.classList.remove('k-pending');
      widget.field.set(now);
      say(widget.state, answer.error);
    }
  }
}
