// Which runs may share an axis: those of one task, metric, unit and convention. And how runs are called.

import { plain } from './chart.js';
import { keyOf } from './compare_choice.js';
import { t, tx } from './words.js';

const LONG = 30;

// [{key, metric, metrics: those that all its runs have, runs, task, mixed: tested on different data}], largest first
export function groupsOf(runs) {
  const found = new Map();
  for (const run of runs) {
    if (!run.measure) continue;
    if (!found.has(run.measure)) found.set(run.measure, []);
    found.get(run.measure).push(run);
  }
  return [...found]
    .map(([key, members]) => ({
      key,
      runs: members,
      task: members[0].task,
      metric: members[0].metrics[0],
      metrics: members[0].metrics.filter(metric =>
        members.every(run => run.metrics.some(other => other.id === metric.id && other.convention === metric.convention)),
      ),
      mixed: new Set(members.map(run => run.test)).size > 1,
    }))
    .sort((a, b) => b.runs.length - a.runs.length);
}

export const titleOf = ({ metric }) => `${withUnit(tx(metric.title), metric)} · ${tx(metric.convention)}`;

// Runs of one name are told apart by their seed, else by their id.
export function nameOf(run, runs) {
  const name = run.name || run.id;
  const alike = runs.filter(other => (other.name || other.id) === name);
  const short = name.length > LONG ? `${name.slice(0, LONG - 1)}…` : name;
  if (alike.length < 2) return plain(short);
  const seeds = new Set(alike.map(other => other.seed)).size === alike.length;
  return plain(`${short} · ${seeds ? t('history.seed', { seed: run.seed }) : run.id}`);
}

// A run, or a batch of seeds, as one: with its variant where it has several.
export function lineName(runs, variant, all) {
  const [run] = runs;
  const name = run.name || run.id;
  const short = name.length > LONG ? `${name.slice(0, LONG - 1)}…` : name;
  const others = all.some(other => keyOf(other) !== keyOf(run) && (other.name || other.id) === name);
  const seeds = t('compare.seedsOf', { name: plain(others ? `${short} · ${run.id}` : short), count: runs.length });
  const whose = runs.length > 1 ? seeds : nameOf(run, all);
  return run.variants.length > 1 ? `${whose} · ${plain(variant)}` : whose;
}

// What the form calls a setting, in the person's language. `parts`: from the outermost to the innermost.
export const settingName = (path, parts) => (parts?.length ? parts.map(tx).join(' · ') : path);

export const unitOf = metric => (metric.unit === '%' ? t('verdict.points') : metric.unit);

export const withUnit = (title, metric) => (metric.unit ? `${title} (${metric.unit})` : title);
