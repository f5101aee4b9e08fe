// The runs a person has chosen to compare, in order; each keeps its colour until it is let go.

import { colorOf } from './colors.js';

export const MOST = 50;
// Legible on both themes, and far from what has a meaning: blue, vermilion, gray and green.
const COLORS = ['#e6a817', '#cc79a7', '#7d6fd0', '#a0672a', '#b0a400', '#a8326e'];

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

  // Runs that were started together with several seeds share a colour. `runs`: the facts of those chosen. Where there
  // is but one, its variants have the colours.
  paint(runs) {
    const keys = [...new Set(runs.map(keyOf))];
    this.alone = keys.length === 1;
    this.slots = this.slots.map(key => (keys.includes(key) ? key : null));
    for (const key of keys) {
      if (this.slots.includes(key)) continue;
      const free = this.slots.indexOf(null);
      if (free < 0) this.slots.push(key);
      else this.slots[free] = key;
    }
  }

  color(run, variant = run.variants[0]) {
    const at = this.alone ? run.variants.indexOf(variant) - 1 : this.slots.indexOf(keyOf(run));
    return at < 0 ? colorOf('distilled', ['distilled']) : COLORS[at % COLORS.length];
  }

  // Whether the run has one colour; else each of its variants has its own.
  coloring(run) {
    return !this.alone || run.variants.length < 2;
  }

  // By which a variant is told apart where its run gives the colour: a number from 0.
  rank(run, variant) {
    return this.alone ? 0 : Math.max(0, run.variants.indexOf(variant));
  }
}

export const keyOf = run => run.batch || run.id;
