// The line on top of a run: what it is doing, how far it is, how fast; and the buttons that steer it.

import { exportAddress, exportLink } from './archive.js';
import { h, replace, say } from './dom.js';
import { clock, count, fixed } from './format.js';
import { signal } from './browser.js';
import { actionsHelp } from './status_help.js';
import { gainOf } from './verdict_words.js';
import { t, tx } from './words.js';

// The student that the last verdict puts first; without one, the first that distils, or the control.
export function bestOf(run) {
  const verdicts = run.evaluations.findLast(found => found.verdicts?.length)?.verdicts ?? [];
  const metric = run.metrics.find(found => found.id === verdicts[0]?.metric) ?? {};
  const [first, ...others] = verdicts;
  const best = others.reduce((a, b) => (gainOf(b, metric) > gainOf(a, metric) ? b : a), first);
  return best?.variant ?? run.config.variants[0]?.name ?? 'control';
}

export class Status {
  // actions: command(kind, values), resume(), fork(), settings(); titles: of the models, by id
  constructor(actions, titles = {}) {
    this.actions = actions;
    this.title = id => tx(titles[id] ?? id);
    this.waiting = null;
    this.chip = h('span', { class: 'k-status', role: 'status' });
    this.name = h('h2', { class: 'k-run-name' });
    this.figures = h('div', { class: 'k-figures' });
    this.fill = h('div', { class: 'k-bar-fill' });
    this.bar = h(
      'div',
      {
        class: 'k-bar',
        role: 'progressbar',
        'aria-label': t('run.progress'),
        'aria-valuemin': 0,
        'aria-valuemax': 100,
      },
      this.fill,
    );
    const button = (key, act) =>
      h('button', { type: 'button', class: 'k-button', dataset: { action: key }, onclick: act }, t(`run.${key}`));
    this.buttons = {
      pause: button('pause', () => this.pause()),
      step: button('step', () => this.send('step', { count: 1 })),
      stop: button('stop', () => this.send('stop')),
      extend: button('extend', () => this.send('extend', { steps: this.more })),
      fork: button('fork', () => actions.fork()),
      settings: button('settings', () => actions.settings()),
      teach: button('teach', () => this.teach()),
    };
    this.buttons.settings.classList.add('k-ghost');
    this.buttons.teach.classList.add('k-ghost');
    this.export = exportLink();
    const help = actionsHelp({ ...this.buttons, export: this.export });
    this.why = h('p', { class: 'k-why', 'aria-live': 'polite' });
    this.trouble = h('div', { class: 'k-failure', role: 'alert', hidden: true });
    this.facts = h('p', { class: 'k-facts' });
    this.element = h(
      'section',
      { class: 'k-panel k-status-panel', 'aria-label': t('run.title') },
      h('div', { class: 'k-status-line' }, this.chip, this.name, this.figures),
      this.bar,
      h('div', { class: 'k-actions' }, Object.values(this.buttons), this.export, help.ask, this.why),
      help.list,
      this.trouble,
      this.facts,
    );
  }

  async send(kind, values = {}) {
    this.await(kind);
    const answer = await this.actions.command({ kind, ...values });
    if (answer.error) {
      this.await(null);
      say(this.why, answer.error);
    }
  }

  async pause() {
    const run = this.state;
    if (run.status === 'running') return this.send('pause');
    if (run.status === 'paused') return this.send('resume');
    this.await('resume');
    const answer = await this.actions.resume();
    if (answer.error) {
      this.await(null);
      say(this.why, answer.error);
    }
    return undefined;
  }

  // Its best student becomes the teacher in the form.
  teach() {
    const { config, id, row } = this.state;
    const variant = bestOf(this.state);
    signal('teach', { run: id, config, variant, name: row.name || id });
  }

  // A button that was pressed shows it until the log says that it has happened.
  await(kind) {
    this.waiting = kind && {
      kind,
      status: this.state?.status,
      step: this.state?.row?.step,
      steps: this.state?.row?.steps,
      since: Date.now(),
    };
    this.show(this.state);
  }

  settle(run) {
    const before = this.waiting;
    if (!before) return;
    const row = run.row;
    if (
      row.status !== before.status ||
      row.steps !== before.steps ||
      (before.kind === 'step' && row.step !== before.step) ||
      Date.now() - before.since > 15_000
    )
      this.waiting = null;
  }

  show(run) {
    this.state = run;
    if (!run?.row) return;
    this.settle(run);
    const { row } = run;
    this.element.dataset.status = row.status;
    this.chip.className = `k-status k-is-${row.status}`;
    say(
      this.chip,
      row.status === 'queued'
        ? t('status.queuedAt', { n: row.queue ?? '?' })
        : row.status === 'running' && !run.steps.length && !run.evaluations.length
          ? t('status.starting')
          : t(`status.${row.status}`),
    );
    say(this.name, row.name || t('run.unnamed'));
    const share = row.steps ? Math.min(1, row.step / row.steps) : 0;
    this.fill.style.transform = `scaleX(${share})`;
    this.bar.setAttribute('aria-valuenow', Math.round(share * 100));
    this.showFigures(run, share);
    this.showButtons(run);
    this.showTrouble(row);
    this.showFacts(run);
  }

  showFigures(run, share) {
    const { row } = run;
    const left = row.speed > 0 ? (row.steps - row.step) / row.speed : NaN;
    const shown = [
      [`${fixed(share * 100, 0)} %`, ''],
      [`${row.step.toLocaleString('en-US')} / ${row.steps.toLocaleString('en-US')}`, t('run.steps')],
      [run.status === 'running' && row.speed ? fixed(row.speed, row.speed < 10 ? 1 : 0) : '–', t('run.speed')],
      run.over
        ? [clock(run.finished.at(-1)?.seconds ?? row.ended - row.started), t('run.took')]
        : [run.status === 'running' ? clock(left) : '–:––', t('run.left')],
    ];
    const key = JSON.stringify(shown);
    if (key === this.shownFigures) return;
    this.shownFigures = key;
    replace(
      this.figures,
      shown.map(([value, unit]) => h('span', {}, h('b', {}, value), unit && ` ${unit}`)),
    );
  }

  showButtons(run) {
    const { pause, step, stop, extend, fork, settings, teach } = this.buttons;
    const { mine, status } = run;
    const waiting = this.waiting?.kind;
    const total = run.config?.training.steps ?? 500;
    this.more = Math.max(1, Math.round(total / 2 / 50) * 50 || 50);
    const resumable = ['stopped', 'failed', 'interrupted'].includes(status) && run.checkpoints.length > 0;
    const going = status === 'running';
    const labels = { pause: going ? 'pause' : 'resume' };
    say(
      pause,
      waiting === 'pause' ? t('run.pausing') : waiting === 'resume' ? t('run.resuming') : t(`run.${labels.pause}`),
    );
    say(step, waiting === 'step' ? t('run.stepping') : t('run.step'));
    say(stop, waiting === 'stop' ? t('run.stopping') : status === 'queued' ? t('run.cancel') : t('run.stop'));
    say(extend, t('run.extend', { n: this.more.toLocaleString('en-US') }));
    pause.disabled = !mine || Boolean(waiting) || !(run.active || resumable);
    step.disabled = !mine || Boolean(waiting) || !run.active;
    stop.disabled = !mine || waiting === 'stop' || !(run.active || status === 'queued');
    const extendable = run.active || (['finished', 'stopped'].includes(status) && run.checkpoints.length > 0);
    extend.disabled = !mine || Boolean(waiting) || !extendable;
    fork.disabled = !run.checkpoints.length;
    settings.disabled = !run.config;
    this.export.hidden = !run.started;
    this.export.href = exportAddress(run.id);
    const several = run.config?.variants.length > 1;
    say(teach, several ? t('run.teachNamed', { variant: bestOf(run) }) : t('run.teach'));
    teach.disabled = !run.config || !['finished', 'stopped'].includes(status);
    const refused = run.refused.at(-1);
    if (!mine) say(this.why, t('run.notYours'));
    else if (refused && refused.step >= run.row.step - 1 && refused.reason)
      say(this.why, `${refused.command}: ${refused.reason}`);
    else if (this.why.textContent === t('run.notYours') || waiting) say(this.why, '');
  }

  showTrouble(row) {
    const bad = ['failed', 'interrupted'].includes(row.status);
    this.trouble.hidden = !bad;
    if (bad) {
      const key = row.reason + row.advice;
      if (key !== this.shownTrouble) {
        this.shownTrouble = key;
        replace(
          this.trouble,
          h('strong', {}, row.reason || t('run.noReason')),
          row.advice && h('span', {}, row.advice),
        );
      }
    }
  }

  showFacts(run) {
    const { started, config, row } = run;
    if (!started) {
      say(this.facts, row.status === 'queued' ? t('run.queuedFact') : '');
      return;
    }
    const pair = started.teacher
      ? t('run.pair', {
          teacher: this.title(started.teacher.model),
          big: count(started.teacher.parameters),
          student: this.title(started.student.model),
          small: count(started.student.parameters),
        })
      : t('run.alone', { student: this.title(started.student.model), small: count(started.student.parameters) });
    const place = t('run.place', { device: started.device, threads: started.threads });
    const parent = row.parent ? t('run.forkOf', { run: row.parent, step: row.parent_step }) : '';
    const seed = config ? t('run.seed', { seed: config.training.seed }) : '';
    const notes = [...(started.notes ?? []), ...(run.evaluation?.notes ?? [])].map(tx);
    say(this.facts, [pair, place, seed, parent, ...notes].filter(Boolean).join(' · '));
  }
}
