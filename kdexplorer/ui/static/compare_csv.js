// Tables of runs as CSV. What a person wrote never begins like a formula: spreadsheets would carry it out.

const guarded = cell => (typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell ?? ''));
const quoted = text => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const csvOf = ({ head, rows }) =>
  [head, ...rows].map(row => row.map(cell => quoted(guarded(cell))).join(',')).join('\n');

// One row a run and variant.
export function resultsTable(runs) {
  const cost = ['parameters', 'multiply_adds', 'latency_ms', 'peak_bytes'];
  const metrics = [...new Set(runs.flatMap(run => run.metrics.map(metric => metric.id)))];
  const verdict = ['difference', 'low', 'high', 'better', 'worse', 'total'];
  return {
    head: [
      ...['run', 'name', 'batch', 'seed', 'status', 'step', 'task', 'tags', 'note', 'convention', 'network'],
      ...metrics,
      ...verdict,
      ...cost,
    ],
    rows: runs.flatMap(run => {
      const networks = { ...run.scores.variants, teacher: run.scores.teacher, input: run.scores.input };
      return Object.entries(networks)
        .filter(([, scores]) => Object.keys(scores ?? {}).length)
        .map(([name, scores]) => {
          const found = run.verdicts.find(other => other.variant === name) ?? {};
          const role = { teacher: 'teacher', input: null }[name];
          const price = (role === null ? null : run.cost[role ?? 'student']) ?? {};
          return [
            ...[run.id, run.name, run.batch, run.seed, run.status, run.step, run.task, run.tags.join(' '), run.note],
            ...[run.metrics[0]?.convention, name],
            ...metrics.map(id => scores[id]),
            ...verdict.map(key => found[key]),
            ...cost.map(key => price[key]),
          ];
        });
    }),
  };
}

// One row a run, one column a setting.
export function settingsTable(runs) {
  const paths = [...new Set(runs.flatMap(run => Object.keys(run.settings)))];
  return {
    head: ['run', 'name', ...paths],
    rows: runs.map(run => [run.id, run.name, ...paths.map(path => run.settings[path])]),
  };
}
