// Restored photos: one of the held-out images in all its versions, and the scores of all of them.

import { h, say } from './dom.js';
import { ImageStrip } from './image_strip.js';
import { Comparison } from './pictures_comparison.js';
import { Filmstrip } from './pictures_filmstrip.js';
import { ImageScores } from './pictures_scores.js';
import { Signals } from './pictures_signals.js';
import { PreviewTable } from './pictures_table.js';
import { Questions } from './questions.js';
import { t, tx } from './words.js';

const KEPT = 40; // images that were asked for

export class Restorations {
  // fetch(step) → the pictures of that step, or {error}; server.restored({run, step, image}) → those of any image
  constructor({ plotly, fetch, server }) {
    Object.assign(this, { server, chosen: 0, row: null, wanted: null, kept: new Map(), questions: new Questions() });
    this.film = new Filmstrip(fetch);
    this.signals = new Signals(plotly);
    this.strip = new ImageStrip(t('preview.choose'), index => this.choose(index, null));
    this.name = h('p', { class: 'k-note k-picture-name' });
    this.state = h('p', { class: 'k-note k-picture-state', role: 'status' });
    this.scores = new ImageScores(index => this.chooseRow(index));
    this.table = new PreviewTable();
    this.place = h('div', { class: 'k-scores-place' });
    this.comparison = new Comparison(this.place, viewport => this.film.follow(viewport));
    this.element = h(
      'div',
      { class: 'k-closer' },
      h(
        'section',
        { class: 'k-panel k-restorations', 'aria-label': t('pictures.restorations') },
        h('div', { class: 'k-strip-line' }, this.strip.element, this.name),
        this.state,
        this.comparison.element,
      ),
      this.film.element,
      this.signals.element,
    );
  }

  show(found, run, step) {
    const listed = Array.isArray(found.scores?.names) && found.scores.metrics; // an imported run's file may hold anything
    const data = listed ? found : { ...found, scores: null };
    Object.assign(this, { data, run, step });
    this.chosen = Math.min(this.chosen, data.items.length - 1);
    if (!data.scores) this.row = null;
    const { element } = data.scores ? this.scores : this.table;
    if (this.place.firstChild !== element) this.place.replaceChildren(element);
    this.draw();
  }

  choose(chosen, row) {
    Object.assign(this, { chosen, row });
    this.draw();
  }

  // A scored image: one of the preview's, or one to be asked for.
  chooseRow(row) {
    const at = this.data.items.findIndex(item => item.held_out === row);
    if (at < 0) this.choose(this.chosen, row);
    else this.choose(at, null);
  }

  draw() {
    const { data, run, step, row } = this;
    const item = data.items[this.chosen];
    this.strip.show(
      data.items.map((other, index) => ({ index, image: other.panels.at(-1).image, name: other.name })),
      row === null ? this.chosen : null,
    );
    if (data.scores) this.scores.show({ scores: data.scores, run, step }, row ?? item.held_out ?? null);
    else this.table.show(data, run, row === null ? this.chosen : null);
    this.film.show(data, step, this.chosen, run);
    if (row !== null) {
      this.ask();
      return;
    }
    this.wanted = null;
    this.questions.drop('restored');
    this.wait(false);
    const apart = data.scores && !Number.isInteger(item.held_out);
    this.present({ ...item, convention: data.convention }, apart ? t('pictures.crop') : '');
  }

  wait(on) {
    this.comparison.element.toggleAttribute('data-waiting', on);
    this.comparison.element.setAttribute('aria-busy', String(on));
  }

  present({ name, panels, convention }, state) {
    say(this.name, name);
    say(this.state, state);
    this.comparison.show({ title: name, panels, convention }, this.run.metrics, this.run);
    this.signals.show(panels, this.run);
  }

  // The chosen row's pictures are of the last checkpoint up to the step: between two of them nothing is asked.
  ask() {
    const { run, step, row } = this;
    const name = this.data.scores?.names[row];
    const saved = run.checkpoints.map(mark => mark.step).filter(other => other <= step);
    const key = JSON.stringify([saved.length ? Math.max(...saved) : step, row]);
    const known = this.kept.get(key);
    if (key === this.wanted && !known) return; // on its way
    this.wanted = key;
    if (known) {
      this.questions.drop('restored');
      this.take(key, known);
      return;
    }
    this.wait(true);
    say(this.state, t('pictures.scored.asking', { name: name ?? '' }));
    this.questions.put('restored', {
      ask: () => this.server.restored({ run: run.id, step, image: row }),
      take: found => this.take(key, found),
    });
  }

  take(key, found) {
    if (!found.error) {
      this.kept.set(key, found);
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }
    if (key !== this.wanted) return;
    this.wait(false);
    if (found.error) {
      this.wanted = null; // asked again, it may work
      say(this.state, tx(found.error));
      return;
    }
    const [width, height] = found.size;
    const number = step => step.toLocaleString('en-US');
    const said = [t('pictures.scored', { width, height }), ...found.notes.map(tx)];
    if (found.step !== this.step)
      said.push(t('pictures.scored.at', { at: number(found.step), step: number(this.step) }));
    this.present(found, said.join(' '));
  }
}
