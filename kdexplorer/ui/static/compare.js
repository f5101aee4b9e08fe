// The Compare tab: the history, and below it what compares the runs chosen there.

import { h, replace, say } from './dom.js';
import { download, listen } from './browser.js';
import { loadPlotly, toolButton } from './chart.js';
import { Choice } from './compare_choice.js';
import { csvOf, resultsTable, settingsTable } from './compare_csv.js';
import { CompareCurves } from './compare_curves.js';
import { CompareForest } from './compare_forest.js';
import { groupsOf, nameOf, titleOf } from './compare_groups.js';
import { CompareParallel } from './compare_parallel.js';
import { ComparePrice } from './compare_price.js';
import { CompareSettings } from './compare_settings.js';
import { History } from './history.js';
import { answering } from './server.js';
import { t } from './words.js';

const PAUSE = 150; // ms after the last box
const WATCHING = 5000; // ms, while a chosen run goes on
const CURVES = 24;

class Compare {
  constructor(element, { server, plotly, upload }) {
    Object.assign(this, { server, runs: [], batches: [], titles: {}, key: null, search: '', all: false, round: 0 });
    this.choice = new Choice(() => this.soon());
    this.history = new History({
      server,
      upload,
      choice: this.choice,
      found: search => {
        this.search = search;
        if (this.all) this.many();
      },
    });
    this.curves = new CompareCurves(this.choice, () => this.loadCurves());
    this.forest = new CompareForest(this.choice);
    this.settings = new CompareSettings(this.choice);
    this.price = new ComparePrice(this.choice);
    this.parallel = new CompareParallel(
      on => {
        this.all = on;
        this.many();
      },
      () => this.stale && this.many(),
    );
    this.charts = [this.curves, this.forest, this.price, this.parallel];
    this.chips = h('div', { class: 'k-chosen' });
    this.groups = h('div', { class: 'k-measures', role: 'group', 'aria-label': t('compare.measures') });
    this.warning = h('p', { class: 'k-note k-warning', role: 'status' });
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    replace(
      element,
      h(
        'div',
        { class: 'k-compare' },
        this.history.element,
        this.bar(),
        this.forest.element,
        h('div', { class: 'k-charts' }, this.curves.element, this.price.element),
        this.settings.element,
        this.parallel.element,
      ),
    );
    loadPlotly(plotly).then(
      () => this.charts.forEach(chart => chart.draw()),
      () => this.charts.forEach(chart => chart.fail()),
    );
    listen('runs-changed', () => this.choice.ids.length && this.soon());
    this.show();
    setInterval(() => {
      const goesOn = this.runs.some(run => ['queued', 'running', 'paused'].includes(run.status));
      if (goesOn && !document.hidden && element.offsetParent) this.load();
    }, WATCHING);
  }

  bar() {
    return h(
      'section',
      { class: 'k-panel k-compare-bar', 'aria-label': t('compare.chosen') },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h2', {}, t('compare.chosen')),
        h(
          'div',
          { class: 'k-tools' },
          toolButton(t('compare.results'), t('compare.results.help'), () =>
            download('results.csv', csvOf(resultsTable(this.runs))),
          ),
          toolButton(t('compare.settingsFile'), t('compare.settingsFile.help'), () =>
            download('settings.csv', csvOf(settingsTable(this.runs))),
          ),
          toolButton(t('compare.clear'), t('compare.clear.help'), () => {
            this.choice.set([...this.choice.ids], false);
            this.history.mark();
          }),
        ),
      ),
      this.trouble,
      this.chips,
      this.warning,
      this.groups,
    );
  }

  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.load(), PAUSE);
  }

  async load() {
    const round = ++this.round;
    const runs = this.choice.ids;
    const answer = runs.length ? await this.server.chosen({ runs }) : { runs: [], batches: [], titles: {} };
    if (round !== this.round) return;
    say(this.trouble, answer.error ?? '');
    if (!answer.runs) return;
    Object.assign(this, { runs: answer.runs, batches: answer.batches, titles: answer.titles });
    this.choice.paint(this.runs);
    this.show();
    this.loadCurves();
    this.many();
  }

  get group() {
    const groups = groupsOf(this.runs);
    return groups.find(group => group.key === this.key) ?? groups[0] ?? null;
  }

  show() {
    const { group, runs } = this;
    replace(
      this.chips,
      runs.length ? runs.map(run => this.chip(run)) : h('p', { class: 'k-ghost-text' }, t('compare.empty')),
    );
    this.showGroups();
    this.curves.offer(group);
    if (!group) this.curves.show({});
    this.forest.show(group, this.batches);
    this.price.show(group);
    this.settings.show(groupsOf(runs).length > 1 ? group.runs : runs, this.titles);
  }

  chip(run) {
    return h(
      'span',
      { class: 'k-chosen-run' },
      this.choice.coloring(run) && h('i', { class: 'k-swatch', style: { background: this.choice.color(run) } }),
      h('span', {}, nameOf(run, this.runs)),
      h(
        'button',
        {
          type: 'button',
          class: 'k-leave',
          'aria-label': t('compare.drop', { name: run.name || run.id }),
          onclick: () => {
            this.choice.set([run.id], false);
            this.history.mark();
          },
        },
        '×',
      ),
    );
  }

  // Runs that are measured differently are never put on one axis: one kind is drawn at a time.
  showGroups() {
    const groups = groupsOf(this.runs);
    const { group } = this;
    const waiting = this.runs.filter(run => !run.measure || !run.evaluated).length;
    const warnings = [
      groups.length > 1 && t('compare.differently'),
      group?.mixed && t('compare.mixed'),
      group && group.runs.length > CURVES && t('compare.tooMany', { most: CURVES }),
      waiting && t('compare.waiting', { count: waiting }),
    ];
    say(this.warning, warnings.filter(Boolean).join(' '));
    replace(
      this.groups,
      groups.length > 1 &&
        groups.map(found =>
          h(
            'button',
            {
              type: 'button',
              class: 'k-tool',
              'aria-pressed': String(found.key === group.key),
              onclick: () => {
                this.key = found.key;
                this.show();
                this.loadCurves();
                this.many();
              },
            },
            `${titleOf(found)} (${found.runs.length})`,
          ),
        ),
    );
  }

  async loadCurves() {
    const { group } = this;
    if (!group) return;
    const round = this.round;
    const runs = group.runs.slice(0, CURVES).map(run => run.id);
    const { quantity } = this.curves;
    const answer = await this.server.curves({ runs, quantity });
    if (round !== this.round || quantity !== this.curves.quantity || group.key !== this.group?.key) return;
    say(this.trouble, answer.error ?? '');
    if (answer.curves) this.curves.show(answer.curves);
  }

  async many() {
    this.stale = !this.parallel.visible;
    if (this.stale) return;
    if (!this.all && !this.runs.length) {
      this.parallel.show(null, null);
      return;
    }
    const wish = (this.wish = {});
    const query = this.all ? { search: this.search } : { runs: this.choice.ids };
    const answer = await this.server.varied(query);
    if (wish !== this.wish) return;
    say(this.trouble, answer.error ?? '');
    if (answer.runs) this.parallel.show(answer, this.group?.key ?? null);
  }
}

export function mount(element, context) {
  const compare = new Compare(element, { ...context, server: answering(context.server) });
  window.kdx = { ...window.kdx, compare };
}
