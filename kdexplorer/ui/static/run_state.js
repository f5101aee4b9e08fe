// What this page knows of a run: its row, its configuration, and its log so far.

const LISTS = ['evaluations', 'knobs', 'previews', 'checkpoints', 'refused', 'finished', 'extensions', 'seen'];

export class RunState {
  constructor(id) {
    Object.assign(this, { id, cursor: 0, row: null, mine: false, config: null, started: null });
    this.steps = [];
    this.rates = [];
    this.losses = {}; // variant → term → [values, weights]
    this.shares = { step: [], variants: {} }; // variant → term → shares of the gradient norm, at some steps
    for (const name of LISTS) this[name] = [];
  }

  // Takes a poll's answer; returns the names of what has changed.
  apply(answer) {
    const changed = new Set(['row']);
    if (answer.drop !== undefined) {
      this.drop(answer.drop);
      LISTS.forEach(name => changed.add(name));
      changed.add('points');
    }
    if (answer.config) {
      this.config = answer.config;
      changed.add('config');
    }
    if (answer.started) {
      this.started = answer.started.at(-1);
      changed.add('started');
    }
    if (answer.points) {
      this.add(answer.points);
      changed.add('points');
    }
    if (answer.shares) {
      this.addShares(answer.shares);
      changed.add('shares');
    }
    for (const name of LISTS) {
      if (answer[name]) {
        this[name].push(...answer[name]);
        changed.add(name);
      }
    }
    if (this.row && this.row.steps !== answer.run.steps) changed.add('extensions');
    this.row = answer.run;
    this.mine = answer.mine;
    this.cursor = answer.cursor;
    return changed;
  }

  // A run that was resumed trains these steps again.
  drop(step) {
    const keep = this.steps.findIndex(value => value > step);
    if (keep >= 0) {
      this.steps.length = keep;
      this.rates.length = keep;
      for (const terms of Object.values(this.losses)) {
        for (const columns of Object.values(terms))
          columns.forEach(column => {
            column.length = Math.min(column.length, keep);
          });
      }
    }
    const looks = this.shares.step.filter(value => value <= step).length;
    this.shares.step.length = looks;
    for (const terms of Object.values(this.shares.variants))
      for (const column of Object.values(terms)) column.length = Math.min(column.length, looks);
    for (const name of LISTS) this[name] = this[name].filter(mark => mark.step <= step);
  }

  add(points) {
    const before = this.steps.length;
    this.steps.push(...points.step);
    this.rates.push(...points.rate);
    for (const [variant, terms] of Object.entries(points.losses)) {
      for (const [term, columns] of Object.entries(terms)) {
        const known = ((this.losses[variant] ??= {})[term] ??= [[], []]);
        known.forEach((column, i) => {
          while (column.length < before) column.push(null);
          column.push(...columns[i]);
        });
      }
    }
  }

  addShares({ step, variants }) {
    const { shares } = this;
    const before = shares.step.length;
    shares.step.push(...step);
    for (const [variant, terms] of Object.entries(variants)) {
      for (const [term, column] of Object.entries(terms)) {
        const known = ((shares.variants[variant] ??= {})[term] ??= []);
        while (known.length < before) known.push(null);
        known.push(...column);
      }
    }
  }

  get variants() {
    return this.started?.variants ?? Object.keys(this.losses);
  }
  get metrics() {
    return this.started?.metrics ?? [];
  }
  get evaluation() {
    return this.evaluations.at(-1) ?? null;
  }
  get status() {
    return this.row?.status ?? 'unknown';
  }
  get active() {
    return ['running', 'paused'].includes(this.status);
  }
  get over() {
    return ['finished', 'stopped', 'failed', 'interrupted'].includes(this.status);
  }
}
