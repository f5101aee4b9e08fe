// The logits of a run's networks on held-out images, step by step, as its previews keep them.

import { colorOf } from './colors.js';
import { t } from './words.js';

const KEPT = 12; // steps
const ORDER = { teacher: 0, variant: 1, control: 2 };

export class RunLogits {
  constructor(server, run) {
    Object.assign(this, { server, run, kept: new Map(), about: null });
  }

  // {step, labels, images, networks: [{role, name, title, color, values}], classes, excluded}, the teacher first;
  // or {error}, with `gone` where older previews have been thinned out.
  async at(step) {
    if (this.kept.has(step)) return this.kept.get(step);
    const asked = { run: this.run.id, step };
    const found = await this.server.preview({ ...asked, part: 'logits' });
    if (found.error && found.lost) return found;
    if (found.error || !this.about) {
      const about = await this.server.preview(asked);
      if (about.error) return { ...about, gone: !about.lost };
      if (found.error) return { error: t('soft.old') };
      this.about = { classes: about.classes, excluded: about.excluded ?? [] };
    }
    const networks = [...found.networks].sort((a, b) => ORDER[a.role] - ORDER[b.role]);
    const logits = { ...found, ...this.about, step, networks: networks.map(network => this.dress(network)) };
    this.kept.set(step, logits);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    return logits;
  }

  dress(network) {
    const { role, name } = network;
    const known = ['teacher', 'control'].includes(role) ? role : name;
    const title = known === role ? t(`role.${role}`) : name;
    return { ...network, name: known, title, color: colorOf(known, this.run.variants) };
  }
}
