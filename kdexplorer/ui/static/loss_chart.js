// The losses: each term of each student, as its formula gives it, as it counts in the sum, or as its gradient pulls.

import { h, replace, say } from './dom.js';
import { download } from './browser.js';
import { Chart, marksLayout, plain, toolButton, toolToggle } from './chart.js';
import { tone } from './colors.js';
import { spoken } from './fields.js';
import { sharesEmpty, sharesFigure, sharesRows, studentsOf } from './loss_shares.js';
import { smoothed, thin } from './loss_smoothing.js';
import { pastLines } from './loss_past.js';
import { networkName } from './roles.js';
import { csv, lineOf, marksOf, stepAxis } from './run_axes.js';
import { t, tx } from './words.js';

const DASHES = ['solid', 'dot', 'dashdot', 'longdash', '4px,2px', '10px,3px,2px,3px', '2px,2px', '12px,4px'];
const MAX_DRAWN = 1_500; // points of a trace on the screen
const FEW = 3; // networks whose every term is in the legend; with more, the legend names networks, the lines their terms

// Labels of a logarithmic axis: the more of a decade's digits, the fewer decades there are.
function ticksOf(data) {
  const values = data.flatMap(trace => trace.y).filter(value => value > 0);
  const ratio = Math.max(...values) / Math.min(...values);
  return ratio > 300 ? 1 : ratio > 8 ? 'D2' : 'D1';
}

// How a term is shown: [id, text of the switch].
const MODES = [
  ['loss', 'L'],
  ['weighted', 'w·L'],
  ['share', '∇ %'],
];

export class LossChart extends Chart {
  constructor() {
    const range = h('input', {
      type: 'range',
      min: 0,
      max: 0.98,
      step: 0.02,
      value: 0,
      'aria-label': t('chart.smooth'),
    });
    range.addEventListener('input', () => {
      this.smooth = Number(range.value);
      range.style.setProperty('--at', `${(100 * this.smooth) / 0.98}%`);
      this.drawNow();
    });
    const chooser = (key, name) =>
      h('select', {
        class: `k-tool k-choice-${name}`,
        'aria-label': t(key),
        hidden: true,
        onchange: () => this.drawAnew(),
      });
    const select = chooser('chart.term', 'term');
    const student = chooser('shares.student', 'student');
    const log = toolToggle('log', t('chart.log'), true, on => {
      this.log = on;
      this.drawAnew();
    });
    const modes = MODES.map(([mode, text]) =>
      h(
        'button',
        {
          type: 'button',
          class: 'k-segment',
          title: t(`chart.mode.${mode}`),
          'aria-label': t(`chart.mode.${mode}`),
          'aria-pressed': String(mode === 'loss'),
          onclick: () => this.turn(mode),
        },
        text,
      ),
    );
    const caption = h('span', {}, t('chart.losses.caption'));
    const empty = h('span', {}, t('chart.losses.empty'));
    super({
      id: 'losses',
      title: t('chart.losses'),
      caption,
      empty,
      tools: [
        select,
        student,
        log,
        h('div', { class: 'k-segments k-loss-modes', role: 'group', 'aria-label': t('chart.mode') }, modes),
        h(
          'label',
          { class: 'k-tool k-smooth', title: t('chart.smooth') },
          h('span', { 'aria-hidden': 'true' }, '∿'),
          range,
        ),
        toolButton('PNG', t('chart.png'), () => this.image(this.mode === 'share' ? 'gradient-shares' : 'losses')),
        toolButton('CSV', t('chart.csv'), () => this.save()),
      ],
      figure: () => (this.mode === 'share' ? this.shareFigure() : this.lossFigure()),
      table: () => (this.mode === 'share' ? sharesRows(this.run) : this.rows()),
    });
    Object.assign(this, { select, student, logButton: log, modes, caption, empty });
    Object.assign(this, { terms: [], log: true, mode: 'loss', smooth: 0, view: 0, run: null, past: [] });
  }

  get weighted() {
    return this.mode === 'weighted';
  }

  drawAnew() {
    this.view += 1;
    this.drawNow();
  }

  turn(mode) {
    this.mode = mode;
    this.modes.forEach((button, i) => button.setAttribute('aria-pressed', String(MODES[i][0] === mode)));
    this.logButton.hidden = mode === 'share';
    say(this.caption, t(mode === 'share' ? 'shares.caption' : 'chart.losses.caption'));
    say(this.empty, mode === 'share' ? sharesEmpty(this.run) : t('chart.losses.empty'));
    if (this.run) this.offerTerms();
    this.drawAnew();
  }

  save() {
    const [name, rows] =
      this.mode === 'share' ? ['gradient-shares', sharesRows(this.run, Infinity)] : ['losses', this.rows(Infinity)];
    download(`${name}.csv`, csv(rows));
  }

  show(run) {
    const other = run !== this.run;
    this.run = run;
    this.offerTerms();
    if (this.mode === 'share') say(this.empty, sharesEmpty(run));
    if (other) this.drawNow();
    else this.draw(true);
  }

  // The runs that this one was forked from: their losses up to there are its own past.
  showFamily(branches) {
    this.past = branches.filter(branch => branch.until !== null).flatMap(branch => branch.losses ?? []);
    this.past.sort((a, b) => a.step - b.step);
    if (this.run) this.draw();
  }

  get many() {
    return Object.keys(this.run.losses).length > FEW;
  }

  // With many networks, one term of all of them can be looked at alone.
  offerTerms() {
    const terms = [...new Set(Object.values(this.run.losses).flatMap(found => Object.keys(found)))];
    this.select.hidden = this.mode === 'share' || !this.many || terms.length < 2;
    this.offerStudents();
    if (terms.join() === this.terms.join()) return;
    this.terms = terms;
    replace(
      this.select,
      h('option', { value: '' }, t('chart.allTerms')),
      terms.map(term => h('option', { value: term }, tx(spoken(term)))),
    );
  }

  // Shares add up within one student: one is looked at.
  offerStudents() {
    const students = studentsOf(this.run);
    this.student.hidden = this.mode !== 'share' || students.length < 2;
    if (students.join() === this.students?.join()) return;
    this.students = students;
    const chosen = this.student.value;
    replace(
      this.student,
      students.map(name => h('option', { value: name }, name)),
    );
    if (students.includes(chosen)) this.student.value = chosen;
  }

  shareFigure() {
    return sharesFigure(this.run, this.student.value, { smooth: this.smooth, most: MAX_DRAWN, view: this.view });
  }

  traces() {
    const { losses } = this.run;
    const { terms } = this;
    const names = Object.keys(losses);
    const ordered = [...names.filter(name => name !== 'control'), ...names.filter(name => name === 'control')];
    return ordered.flatMap(name =>
      Object.entries(losses[name]).map(([term, [values, weights]]) => ({
        name,
        term,
        dash: DASHES[terms.indexOf(term) % DASHES.length],
        values: this.weighted ? values.map((value, i) => (value === null ? null : value * weights[i])) : values,
      })),
    );
  }

  lossFigure() {
    const { run } = this;
    if (!run?.steps.length) return { data: [], layout: {} };
    const stride = Math.max(1, Math.ceil(run.steps.length / MAX_DRAWN));
    const steps = thin(run.steps, stride);
    const { many } = this;
    const alone = many && !this.select.hidden ? this.select.value : '';
    const traces = this.traces().filter(trace => !alone || trace.term === alone);
    const named = new Set();
    const data = traces.map(trace => ({
      type: 'scatter',
      mode: 'lines',
      ...(many
        ? {
            name: plain(networkName(trace.name)),
            legendgroup: trace.name,
            showlegend: !named.has(trace.name) && Boolean(named.add(trace.name)),
          }
        : { name: plain(`${networkName(trace.name)} · ${tx(spoken(trace.term))}`) }),
      x: steps,
      y: thin(smoothed(trace.values, this.smooth), stride),
      line: {
        ...lineOf(trace.name, run),
        width: 1.6,
        dash: trace.name === 'control' && trace.term === 'task' ? 'dash' : trace.dash,
        shape: 'linear',
      },
      hovertemplate: many ? `%{y:.4g}<extra>${plain(`${networkName(trace.name)} · ${tx(spoken(trace.term))}`)}</extra>` : '%{y:.4g}',
    }));
    data.push(...pastLines(this.past, traces, data, this.weighted));
    const layout = marksLayout(marksOf(run), stepAxis(run).range[1]);
    if (many && !alone) layout.annotations.push(...this.termLabels(traces, data));
    const title = t(this.weighted ? 'chart.lossWeighted' : 'chart.loss');
    return {
      data,
      label: `${t('chart.losses')}, ${t('chart.step')} ${run.steps.at(-1)}`,
      layout: {
        uirevision: `${run.id}/${this.view}`,
        ...layout,
        xaxis: stepAxis(run),
        yaxis: {
          type: this.log ? 'log' : 'linear',
          title: { text: title, font: { size: 11 }, standoff: 6 },
          tickformat: '~g',
          ...(this.log ? { dtick: ticksOf(data) } : {}),
        },
      },
    };
  }

  // Each term's name once, at the end of its topmost line.
  termLabels(traces, data) {
    const last = i => data[i].y.findLast(value => value !== null) ?? 0;
    return this.terms.flatMap(term => {
      const found = traces.map((trace, i) => i).filter(i => traces[i].term === term && (!this.log || last(i) > 0));
      if (!found.length) return [];
      const top = found.reduce((a, b) => (last(b) > last(a) ? b : a));
      return {
        x: data[top].x.at(-1),
        y: this.log ? Math.log10(last(top)) : last(top),
        text: plain(tx(spoken(term))),
        showarrow: false,
        xanchor: 'right',
        yanchor: 'bottom',
        font: { size: 11, color: tone('ink') },
        bgcolor: tone('surface'),
        opacity: 0.85,
        borderpad: 1,
      };
    });
  }

  rows(limit = 40) {
    if (!this.run) return { head: [], rows: [] };
    const { steps } = this.run;
    const traces = this.traces();
    const from = Math.max(0, steps.length - limit);
    return {
      head: [t('chart.step'), ...traces.map(trace => `${networkName(trace.name)} ${trace.term}`)],
      rows: steps
        .slice(from)
        .map((step, i) => [
          String(step),
          ...traces.map(trace =>
            trace.values[from + i] === null ? '' : String(Number(trace.values[from + i].toPrecision(5))),
          ),
        ])
        .reverse(),
    };
  }
}
