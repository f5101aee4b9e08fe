// What the run will cost, from a short measurement on the server: time and memory, before anybody waits.

import { h, replace } from './dom.js';
import { listen } from './browser.js';
import { insistent } from './questions.js';
import { t, tx } from './words.js';

const ASK_AFTER = 900; // ms after the last change that was found valid
const MOST_KEPT = 40;

export function duration(seconds) {
  if (seconds < 99.5)
    return t('cost.seconds', { n: seconds < 9.5 ? Math.max(1, Math.round(seconds)) : 5 * Math.round(seconds / 5) });
  if (seconds < 5970)
    return t('cost.minutes', { n: seconds < 600 ? (seconds / 60).toFixed(1) : Math.round(seconds / 60) });
  return t('cost.hours', { n: (seconds / 3600).toFixed(1) });
}

export const memory = bytes =>
  bytes < 1e9 ? `${Math.max(10, 10 * Math.round(bytes / 1e7))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

// What a cost depends on: not the name, not the seed.
const keyOf = config =>
  JSON.stringify({ ...config, name: '', parent: null, training: { ...config.training, seed: 0 } });

export class Cost {
  // estimate({config, force}) → {seconds, memory_bytes, device, …} or {reason} or {error}; `facts()` → {config, seeds}
  constructor(estimate, facts) {
    Object.assign(this, { estimate, facts, known: new Map(), last: null, asked: 0, training: false });
    this.element = h('div', { class: 'k-cost', 'aria-live': 'polite' });
    listen('run', ({ run }) => {
      const was = this.training;
      this.training = run?.status === 'running';
      if (was && !this.training && this.waiting) this.ask();
    });
  }

  // Called with every change; `valid` where the server had nothing against it.
  changed(valid) {
    clearTimeout(this.timer);
    this.asked += 1;
    if (!this.estimate) return;
    const found = this.known.get(keyOf(this.facts().config));
    this.waiting = valid && !found;
    if (found) this.show(found);
    else this.show(this.last, { old: true });
    if (this.waiting) this.timer = setTimeout(() => this.ask(), ASK_AFTER);
  }

  async ask(force = false) {
    if (this.training && !force) {
      this.show(this.last, { old: true, button: true });
      return;
    }
    if (this.flying) {
      this.again = true; // the server measures one at a time
      this.show(this.last, { old: true, busy: true });
      return;
    }
    const number = ++this.asked;
    const { config } = this.facts();
    this.show(this.last, { old: true, busy: true });
    this.flying = true;
    const answer = await insistent(
      () => this.estimate({ config, force }),
      () => number === this.asked,
    );
    this.flying = false;
    const found = answer.seconds !== undefined;
    if (found) this.keep(config, answer);
    const again = this.again;
    this.again = false;
    if (again) this.ask();
    if (number !== this.asked) return;
    this.waiting = !found;
    if (found) this.show(answer);
    else this.show(this.last, { old: true, button: true, why: tx(answer.reason ?? answer.error) });
  }

  keep(config, answer) {
    if (this.known.size >= MOST_KEPT) this.known.delete(this.known.keys().next().value);
    this.known.set(keyOf(config), answer);
  }

  show(found, { old = false, busy = false, button = false, why = '' } = {}) {
    if (found && !old) this.last = found;
    const { seeds } = this.facts();
    const parts = found && [
      `≈ ${duration(found.seconds * seeds)}`,
      seeds > 1 && t('cost.seeds', { n: seeds }),
      found.memory_bytes && memory(found.memory_bytes),
      found.device,
    ];
    replace(
      this.element,
      h(
        'span',
        { class: old ? 'k-quiet' : '', title: why || (found?.notes ?? []).map(tx).join(' ') },
        found ? parts.filter(Boolean).join(' · ') : t(busy ? 'cost.measuring' : button ? 'cost.unknown' : 'cost.none'),
        found && old && ` (${busy ? t('cost.measuring') : t('cost.before')})`,
      ),
      button &&
        h(
          'button',
          { type: 'button', class: 'k-mini', 'data-name': 'cost.measure', title: why, onclick: () => this.ask(true) },
          t('cost.measure'),
        ),
    );
  }
}
