// The scores of every held-out image: a table to sort, the image that gains most over the control and the one that
// loses most, and what that comes to on average. A row that is chosen is shown in the pictures.

import { h, replace, say } from './dom.js';
import { download } from './browser.js';
import { toolButton } from './chart.js';
import { csvOf } from './compare_csv.js';
import { fixed, signed } from './format.js';
import { bestOf } from './pictures_comparison.js';
import { roleName, swatch } from './pictures_panel.js';
import { sentenceOf } from './verdict_words.js';
import { t, tx } from './words.js';

const PLACES = { input: 0, control: 1, teacher: 3 };
const MOVES = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
const MORE = 1; // digits of a gain beyond the score's

// The networks of a preview's scores: [{role, name}], the input first, the teacher last.
export const networksOf = scores =>
  Object.keys(Object.values(scores.metrics)[0] ?? {})
    .map(name => ({ role: name in PLACES ? name : 'variant', name }))
    .sort((a, b) => (PLACES[a.role] ?? 2) - (PLACES[b.role] ?? 2));

// The places of `values` in order, those without a value last.
export function sorted(values, down) {
  const known = value => value !== null && value !== undefined;
  const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  return values
    .map((value, i) => [value, i])
    .sort(([a, i], [b, j]) => known(b) - known(a) || (known(a) && (down ? -1 : 1) * compare(a, b)) || i - j)
    .map(([, i]) => i);
}

export class ImageScores {
  // choose(index): a held-out image is to be shown
  constructor(choose) {
    Object.assign(this, { choose, by: null, down: true, chosen: null, metric: null, student: null, order: [] });
    const tool = (end, sign) =>
      h(
        'button',
        {
          type: 'button',
          class: 'k-tool k-end',
          title: t(`pictures.scores.${end}.help`),
          onclick: () => this.extreme(sign),
        },
        t(`pictures.scores.${end}`),
      );
    this.ends = [tool('best', 1), tool('worst', -1)];
    this.measures = h('div', { class: 'k-segments', role: 'group', 'aria-label': t('pictures.scores.metric') });
    this.select = h('select', {
      class: 'k-tool',
      'aria-label': t('pictures.scores.student'),
      title: t('pictures.scores.student'),
      onchange: () => {
        this.student = this.select.value;
        this.draw();
      },
    });
    this.body = h('tbody', { onkeydown: event => this.key(event) });
    this.head = h('tr', {});
    this.wrap = h(
      'div',
      { class: 'k-table-wrap', role: 'region', tabindex: 0, 'aria-label': t('pictures.table') },
      h('table', {}, h('thead', {}, this.head), this.body),
    );
    this.words = h('p', { class: 'k-scores-mean' });
    this.notes = h('p', { class: 'k-note' });
    this.element = h(
      'div',
      { class: 'k-scores-table k-image-scores' },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h4', {}, t('pictures.table')),
        h(
          'div',
          { class: 'k-tools' },
          this.measures,
          this.select,
          this.ends,
          toolButton('CSV', t('chart.csv'), () => download(`images-step-${this.found.step}.csv`, csvOf(this.numbers()))),
        ),
      ),
      this.wrap,
      this.words,
      this.notes,
      h('p', { class: 'k-note' }, t('pictures.scores.help')),
    );
  }

  // found: {scores: {names, metrics}, run, step}
  show(found, chosen) {
    const { scores, run } = found;
    const networks = networksOf(scores);
    const metrics = run.metrics.filter(metric => metric.id in scores.metrics);
    const key = JSON.stringify([networks, scores.names, metrics.map(metric => metric.id)]);
    Object.assign(this, { found, networks, metrics, chosen });
    this.metric = metrics.find(metric => metric.id === this.metric?.id) ?? metrics[0];
    const students = networks.filter(network => network.role === 'variant').map(({ name }) => name);
    this.compared = networks.some(({ role }) => role === 'control') ? students : [];
    if (!this.compared.includes(this.student)) this.student = this.compared[0] ?? null;
    if (key !== this.known) this.build();
    this.known = key;
    this.draw();
  }

  build() {
    replace(
      this.measures,
      this.metrics.map(metric =>
        h(
          'button',
          {
            type: 'button',
            class: 'k-segment',
            'data-metric': metric.id,
            onclick: () => {
              this.metric = this.metrics.find(({ id }) => id === metric.id);
              this.draw();
            },
          },
          tx(metric.title),
        ),
      ),
    );
    replace(
      this.select,
      this.compared.map(name => h('option', { value: name }, name)),
    );
    this.select.hidden = this.compared.length < 2;
    for (const button of this.ends) button.hidden = !this.compared.length;
    const columns = [null, ...(this.compared.length ? ['gain'] : []), ...this.networks]; // seen without scrolling
    this.columns = columns.map(column => this.column(column));
    replace(
      this.head,
      this.columns.map(({ element }) => element),
    );
    this.rows = this.found.scores.names.map((name, index) => {
      const button = h('button', { type: 'button', class: 'k-row-name' }, name);
      const cells = columns.slice(1).map(() => h('td', {}));
      const element = h('tr', { onclick: () => this.take(index) }, h('th', { scope: 'row' }, button), cells);
      return { element, button, cells, texts: [] };
    });
    this.order = [];
  }

  // A head that sorts: of the names (null), a network, or the gain.
  column(column) {
    const by = column?.name ? `of ${column.name}` : (column ?? 'name');
    const text = h('span', {});
    const button = h(
      'button',
      { type: 'button', class: 'k-sort', onclick: () => this.sort(by) },
      column?.name && swatch(column, this.found.run),
      text,
      h('i', { 'aria-hidden': 'true' }),
    );
    const words = () =>
      column === 'gain'
        ? t('pictures.scores.gain')
        : column
          ? roleName(column)
          : t('pictures.image');
    return { by, text, words, element: h('th', { scope: 'col' }, button) };
  }

  sort(by) {
    this.down = this.by === by ? !this.down : by !== 'name';
    this.by = by;
    this.draw();
    this.wrap.scrollTop = 0;
  }

  of(name) {
    return this.found.scores.metrics[this.metric.id][name];
  }

  // What the student has more than the control, an image.
  get gains() {
    const control = this.of('control');
    return this.of(this.student).map((value, i) => (value === null || control[i] === null ? null : value - control[i]));
  }

  draw() {
    const { metric, networks, columns, rows } = this;
    this.select.value = this.student;
    for (const button of this.measures.children)
      button.setAttribute('aria-pressed', String(button.dataset.metric === metric.id));
    for (const { by, text, words, element } of columns) {
      say(text, words());
      element.setAttribute('aria-sort', by !== this.by ? 'none' : this.down ? 'descending' : 'ascending');
    }
    const values = networks.map(network => this.of(network.name));
    const gains = this.compared.length ? this.gains : null;
    rows.forEach((row, i) => {
      const panels = networks.map((network, n) => ({ ...network, metrics: { [metric.id]: values[n][i] } }));
      const best = bestOf(panels, metric);
      const texts = panels.map(panel => [fixed(panel.metrics[metric.id], metric.digits), best.includes(panel)]);
      if (gains) texts.unshift([gains[i] === null ? '–' : signed(gains[i], metric.digits + MORE), false]);
      texts.forEach(([text, bold], n) => {
        if (row.texts[n] === `${text} ${bold}`) return;
        row.texts[n] = `${text} ${bold}`;
        replace(row.cells[n], h(bold ? 'b' : 'span', {}, text));
      });
    });
    this.arrange(gains);
    this.mark(this.chosen);
    say(this.words, this.average(gains));
    const { notes } = this.found.scores;
    say(this.notes, Array.isArray(notes) ? notes.map(tx).join(' ') : '');
    this.notes.hidden = !this.notes.textContent;
  }

  // Rows in their order; the focus stays where it is.
  arrange(gains) {
    const { names } = this.found.scores;
    const by = { name: names, gain: gains }[this.by] ?? (this.by && this.of(this.by.slice('of '.length)));
    const order = by ? sorted(by, this.down) : names.map((_, i) => i);
    if (order.join() === this.order.join()) return;
    this.order = order;
    const focus = this.body.contains(document.activeElement) ? document.activeElement : null;
    this.body.append(...order.map(i => this.rows[i].element));
    focus?.focus({ preventScroll: true });
  }

  average(gains) {
    if (!gains) return '';
    const { metric, student } = this;
    const verdict = this.found.scores.verdicts?.find(
      other => other.variant === student && other.metric === metric.id,
    );
    if (verdict) return sentenceOf(verdict, metric);
    const known = gains.filter(gain => gain !== null);
    const mean = known.reduce((sum, gain) => sum + gain, 0) / known.length;
    const sign = metric.higher_is_better === false ? -1 : 1;
    return t('pictures.scores.mean', {
      name: student,
      metric: tx(metric.title),
      gain: known.length ? `${signed(mean, metric.digits + MORE)} ${metric.unit ?? ''}`.trim() : '–',
      better: known.filter(gain => sign * gain > 0).length,
      worse: known.filter(gain => sign * gain < 0).length,
      total: gains.length,
    });
  }

  extreme(sign) {
    const up = this.metric.higher_is_better === false ? -sign : sign;
    const [first] = sorted(this.gains, up > 0);
    this.take(first);
    this.reveal(first);
  }

  take(index) {
    this.mark(index);
    this.choose(index);
  }

  // index: the image whose row is lit; null for none
  mark(index) {
    this.chosen = index;
    const stop = index ?? this.order[0];
    this.rows.forEach(({ element, button }, i) => {
      element.toggleAttribute('data-chosen', i === index);
      button.setAttribute('aria-pressed', String(i === index));
      button.tabIndex = i === stop ? 0 : -1;
    });
  }

  key(event) {
    const by = MOVES[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const at = this.order.findIndex(i => this.rows[i].button === document.activeElement);
    const next = this.order[Math.min(this.order.length - 1, Math.max(0, at + by))];
    this.rows[next].button.focus({ preventScroll: true });
    this.take(next);
    this.reveal(next);
  }

  // Scrolls the table, and never the page.
  reveal(index) {
    const { offsetTop, offsetHeight } = this.rows[index].element;
    const { wrap } = this;
    const top = offsetTop - this.head.offsetHeight;
    if (top < wrap.scrollTop) wrap.scrollTop = top;
    else if (offsetTop + offsetHeight > wrap.scrollTop + wrap.clientHeight)
      wrap.scrollTop = offsetTop + offsetHeight - wrap.clientHeight;
  }

  // The table as it stands, in every metric.
  numbers() {
    const { names, metrics: scores } = this.found.scores;
    const ids = this.metrics.map(metric => metric.id);
    const columns = ids.flatMap(id => this.networks.map(({ name }) => [`${id}_${name}`, scores[id][name]]));
    const gains = this.compared.flatMap(name =>
      ids.map(id => [
        `${id}_gain_${name}`,
        scores[id][name].map((value, i) =>
          value === null || scores[id].control[i] === null ? null : Number((value - scores[id].control[i]).toFixed(6)),
        ),
      ]),
    );
    const all = [...columns, ...gains];
    return {
      head: ['image', ...all.map(([name]) => name)],
      rows: this.order.map(i => [names[i], ...all.map(([, values]) => values[i])]),
    };
  }
}
