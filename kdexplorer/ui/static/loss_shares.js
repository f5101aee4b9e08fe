// Who pulls at a student: each weighted term's share of the gradient norm, stacked to 100 %, at the steps looked at.

import { colorOf, tone } from './colors.js';
import { marksLayout, plain } from './chart.js';
import { spoken } from './fields.js';
import { smoothed, thin } from './loss_smoothing.js';
import { marksOf, stepAxis } from './run_axes.js';
import { shade, stopsOn } from './shades.js';
import { t, tx } from './words.js';

const THICK = 9; // percent of the height that hold a name
const ROOM = 0.35; // of the width that hold one

export const nameOf = term => tx(spoken(term));

// The students that were looked at: those with several terms, or whoever there is.
export function studentsOf({ shares }) {
  const found = Object.keys(shares.variants);
  const several = found.filter(name => Object.keys(shares.variants[name]).length > 1);
  return several.length ? several : found.filter((name, i) => name !== 'control' || i === found.length - 1);
}

// [{term, values in percent}] of one student; 0 where a term is not active.
function columns({ shares }, student) {
  return Object.entries(shares.variants[student] ?? {}).map(([term, values]) => ({
    term,
    values: shares.step.map((_, i) => 100 * (values[i] ?? 0)),
  }));
}

// The targets' pull is green; the teacher's terms are shades of its blue.
function colorsOf(terms) {
  const stops = stopsOn(tone('surface'));
  const taught = terms.filter(term => term !== 'task');
  const at = term => (taught.length < 2 ? 0.75 : 0.92 - (0.6 * taught.indexOf(term)) / (taught.length - 1));
  return terms.map(term => (term === 'task' ? colorOf('target') : `rgb(${shade(at(term), stops).join(' ')})`));
}

// What was seen last holds until the next look.
const held = (values, end = values.at(-1)) => [...values, end];

// {data, layout, label} as `Chart` takes them.
export function sharesFigure(run, student, { smooth, most, view }) {
  const found = run && student ? columns(run, student) : [];
  if (!found.length) return { data: [], layout: {} };
  const stride = Math.max(1, Math.ceil(run.shares.step.length / most));
  const steps = held(thin(run.shares.step, stride), run.steps.at(-1));
  const colors = colorsOf(found.map(({ term }) => term));
  const surface = tone('surface');
  const data = found.map(({ term, values }, i) => ({
    type: 'scatter',
    mode: 'lines',
    stackgroup: 'shares',
    name: plain(nameOf(term)),
    x: steps,
    y: held(thin(smoothed(values, smooth), stride)),
    line: { color: surface, width: 1.2 },
    fillcolor: colors[i],
    hovertemplate: '%{y:.1f} %',
  }));
  const layout = marksLayout(marksOf(run), stepAxis(run).range[1]);
  if (steps.at(-1) > ROOM * stepAxis(run).range[1]) layout.annotations.push(...bandNames(data));
  const last = data.map(({ name, y }) => `${name} ${y.at(-1).toFixed(0)} %`).join(', ');
  return {
    data,
    label: `${t('shares.title')}, ${student}, ${t('chart.step')} ${steps.at(-1)}: ${last}`,
    layout: {
      uirevision: `${run.id}/${student}/${view}`,
      ...layout,
      xaxis: stepAxis(run),
      yaxis: {
        title: { text: `${t('shares.axis')} (%)`, font: { size: 11 }, standoff: 6 },
        range: [0, 100],
        tickvals: [0, 25, 50, 75, 100],
      },
    },
  };
}

// A band's name, at its right end, where it is thick enough.
function bandNames(data) {
  let below = 0;
  return data.flatMap(({ x, y, name }) => {
    const height = y.at(-1);
    const middle = below + height / 2;
    below += height;
    return height < THICK
      ? []
      : {
          x: x.at(-1),
          y: middle,
          text: name,
          showarrow: false,
          xanchor: 'right',
          yanchor: 'middle',
          font: { size: 11, color: tone('ink') },
          bgcolor: tone('surface'),
          opacity: 0.85,
          borderpad: 1,
        };
  });
}

// All students' shares, for the table and the file.
export function sharesRows(run, limit = 40) {
  if (!run) return { head: [], rows: [] };
  const { step, variants } = run.shares;
  const traces = Object.entries(variants).flatMap(([name, terms]) =>
    Object.entries(terms).map(([term, values]) => ({ title: `${name} ${term} %`, values })),
  );
  const from = Math.max(0, step.length - limit);
  const cell = value => (value === null || value === undefined ? '' : (100 * value).toFixed(2));
  return {
    head: [t('chart.step'), ...traces.map(trace => trace.title)],
    rows: step
      .slice(from)
      .map((at, i) => [String(at), ...traces.map(trace => cell(trace.values[from + i]))])
      .reverse(),
  };
}

// Why there is nothing to see yet, and what to do about it.
export function sharesEmpty(run) {
  if (!run?.config) return t('shares.empty');
  const every = run.config.training.gradient_every;
  if (!every) return t('shares.never');
  if (run.over) return t('shares.none');
  const start = run.row?.parent_step ?? 0;
  return t('shares.wait', { step: Math.ceil(start / every) * every + 1, every });
}
