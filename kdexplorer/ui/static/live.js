// The run that this page looks at: asks the server what is new, and tells each part of the panel.

import { h, replace, say } from './dom.js';
import { fromAddress, putRunInAddress, runInAddress } from './address.js';
import { listen, signal, token } from './browser.js';
import { loadPlotly } from './chart.js';
import { LossChart } from './loss_chart.js';
import { QualityChart } from './quality_chart.js';
import { Family } from './family.js';
import { Fork } from './fork.js';
import { Knobs } from './knobs.js';
import { Previews } from './previews.js';
import { RunState } from './run_state.js';
import { answering } from './server.js';
import { Status } from './status.js';
import { Verdicts } from './verdict.js';
import { welcome } from './welcome.js';
import { t } from './words.js';

const EAGER = 150; // ms between polls until the first points are there, and while a person waits for an answer
const CALM = 700;
const SLOW = 2000; // while nothing moves: queued, paused
const HIDDEN = 10_000; // while nobody looks
const EAGER_FOR = 20_000;

class Live {
  constructor(element, { server, facts, plotly }) {
    this.server = server;
    this.run = null;
    this.round = 0;
    const command = values => this.ask('command', { command: values });
    this.fork = new Fork({
      checkpoints: () => server.checkpoints({ run: this.run.id }),
      begin: async values => {
        const answer = await this.ask('fork', values);
        if (answer.run) {
          signal('open', { run: answer.run, fresh: true });
          signal('runs-changed');
        }
        return answer;
      },
      facts: facts.knobs,
    });
    this.status = new Status(
      {
        command,
        resume: () => this.ask('resume', {}),
        fork: () => this.fork.open(this.run),
        settings: () => signal('settings', { config: this.run.config, force: true }),
      },
      facts.models,
    );
    this.quality = new QualityChart(step => this.fork.open(this.run, step));
    this.family = new Family();
    this.losses = new LossChart();
    this.verdicts = new Verdicts();
    this.knobs = new Knobs(command, facts.knobs);
    this.previews = new Previews((step, part) => server.preview({ run: this.run.id, step, part }));
    this.lost = h('p', { class: 'k-lost', role: 'status', hidden: true });
    this.welcome = h('section', { class: 'k-panel k-welcome' }, welcome(t('welcome.title'), t('welcome.text')));
    replace(
      element,
      h(
        'div',
        { class: 'k-live' },
        this.lost,
        this.welcome,
        this.status.element,
        h('div', { class: 'k-charts' }, this.quality.element, this.losses.element),
        this.verdicts.element,
        this.family.element,
        this.knobs.element,
        this.previews.element,
        this.previews.attentionElement,
      ),
    );
    this.element = element.firstElementChild;
    this.element.dataset.state = 'empty';
    this.status.element.hidden = true;
    loadPlotly(plotly).then(
      () => {
        this.quality.draw();
        this.losses.draw();
      },
      () => {
        this.quality.fail();
        this.losses.fail();
      },
    );
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.hurry();
      if (this.run?.previews.length) this.previews.show(this.run);
    });
    listen('runs-changed', () => this.relate());
    listen('open', ({ run, fresh }) => this.open(run, fresh), { late: true });
    const known = runInAddress();
    const asked = fromAddress('run');
    if (known && !this.run) this.open(known, false);
    else if (asked && !this.run) this.close(t('welcome.noId', { text: asked.slice(0, 40) }));
  }

  // Asks something of the run's owner; polls at once to see its effect.
  async ask(name, values) {
    const answer = await this.server[name]({ run: this.run.id, token: token(), ...values });
    this.eagerUntil = Date.now() + 3000;
    this.hurry();
    return answer;
  }

  open(id, fresh) {
    this.round += 1;
    this.run = new RunState(id);
    this.fresh = fresh;
    this.eagerUntil = Date.now() + (fresh ? EAGER_FOR : 0);
    putRunInAddress(id);
    this.element.dataset.state = 'run';
    this.element.dataset.run = id;
    this.welcome.hidden = true;
    this.status.element.hidden = false;
    this.status.waiting = null;
    this.clear();
    this.quality.showFamily([]);
    this.losses.showFamily([]);
    this.quality.show(this.run);
    this.losses.show(this.run);
    signal('run', { run: this.run, changed: new Set(['opened']) });
    this.relate();
    this.tail(this.round);
  }

  // Its parents and children; looked up when the run opens, and when a run is forked, deleted, or ends.
  async relate() {
    const { run, round } = this;
    if (!run) return;
    const found = await this.server.family({ run: run.id });
    if (round !== this.round || found.error) return;
    this.family.show(found.tree, run.id);
    this.quality.showFamily(found.branches);
    this.losses.showFamily(found.branches);
  }

  clear() {
    for (const part of [this.verdicts, this.knobs, this.previews, this.family]) part.empty();
  }

  close(message) {
    this.round += 1;
    this.run = null;
    this.clear();
    putRunInAddress(null);
    this.element.dataset.state = 'empty';
    this.welcome.hidden = false;
    this.status.element.hidden = true;
    replace(this.welcome, welcome(t('welcome.gone'), `${message} ${t('welcome.text')}`));
    signal('run', { run: null, changed: new Set(['opened']) });
  }

  hurry() {
    this.wake?.();
  }

  async tail(round) {
    let failures = 0;
    while (round === this.round) {
      const answer = await this.server.poll({ run: this.run.id, cursor: this.run.cursor, token: token() });
      if (round !== this.round) return;
      if (answer.gone) {
        this.close(answer.error);
        return;
      }
      failures = answer.error ? failures + 1 : 0;
      this.lost.hidden = failures < 2;
      if (failures) say(this.lost, answer.error);
      else this.take(answer);
      if (answer.more) continue;
      if (this.run.over && !failures && !this.status.waiting) {
        await this.sleep(document.hidden ? HIDDEN : 4000);
        continue;
      }
      await this.sleep(failures ? Math.min(5000, 300 * 2 ** failures) : this.pace());
    }
  }

  pace() {
    if (document.hidden) return HIDDEN;
    if (Date.now() < this.eagerUntil || this.status.waiting) return EAGER;
    return this.run.status === 'running' ? CALM : SLOW;
  }

  sleep(ms) {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  take(answer) {
    const { run } = this;
    const changed = run.apply(answer);
    const ended = run.over && this.lastStatus && this.lastStatus !== run.status;
    this.lastStatus = run.status;
    if (run.steps.length && run.evaluations.length && this.fresh) {
      this.fresh = false;
      this.eagerUntil = 0;
    }
    this.status.show(run);
    if (changed.has('config') && !this.fresh) signal('settings', { config: run.config });
    if (['points', 'knobs', 'started', 'extensions'].some(name => changed.has(name))) this.losses.show(run);
    if (['evaluations', 'knobs', 'started', 'extensions'].some(name => changed.has(name))) this.quality.show(run);
    if (['evaluations', 'started', 'config'].some(name => changed.has(name))) this.verdicts.show(run);
    this.knobs.show(run);
    if (changed.has('previews') || (run.previews.length && this.previews.shown === null)) this.previews.show(run);
    signal('run', { run, changed });
    document.title = run.active
      ? `${Math.round((100 * run.row.step) / (run.row.steps || 1))} % · ${run.row.name || 'KD Explorer'}`
      : 'KD Explorer';
    if (ended) {
      this.quality.show(run);
      this.losses.show(run);
      signal('runs-changed');
    }
  }
}

export function mount(element, context) {
  const live = new Live(element, { ...context, server: answering(context.server) });
  window.kdx = { ...window.kdx, live: { run: () => live.run } };
}
