// The runs a person has chosen to compare, in order; each keeps its colour until it is let go.

import { colorOf } from './colors.js';

export const MOST = 50;

export class Choice {
  constructor(changed) {
    Object.assign(this, { changed, ids: [], slots: [] });
  }

  has(id) {
    return this.ids.includes(id);
  }

  // Returns false where no more may be chosen.
  set(ids, on) {
    const kept = this.ids.filter(id => !ids.includes(id));
    const wanted = on ? [...this.ids, ...ids.filter(id => !this.has(id))] : kept;
    const next = wanted.slice(0, MOST);
    if (next.join() !== this.ids.join()) {
      this.ids = next;
      this.changed(next);
    }
    return next.length === wanted.length;
  }

  // Runs that were started together with several seeds share a colour. `runs`: the facts of those chosen.
  paint(runs) {
    const keys = [...new Set(runs.map(keyOf))];
    this.slots = this.slots.map(key => (keys.includes(key) ? key : null));
    for (const key of keys) {
      if (this.slots.includes(key)) continue;
      const free = this.slots.indexOf(null);
      if (free < 0) this.slots.push(key);
      else this.slots[free] = key;
    }
  }

  // The further colours only: vermilion, gray, blue and green have their own meaning.
  color(run) {
    return colorOf(keyOf(run), [null, ...this.slots.map((key, i) => key ?? i)]);
  }
}

const keyOf = run => run.batch || run.id;
