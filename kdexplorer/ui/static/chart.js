// One Plotly chart that lives as long as the page: loaded once, redrawn in place, its zoom and legend kept.

import { h, say } from './dom.js';
import { listen } from './browser.js';
import { tone as onPage } from './colors.js';
import { t } from './words.js';

let loading = null;

// Plotly's script is large: it is fetched beside everything else, once.
export function loadPlotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) {
      resolve(window.Plotly);
      return;
    }
    const script = document.createElement('script');
    script.src = new URL(address, document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error('plotly'));
    };
    document.head.append(script);
  });
  return loading;
}

const REST = 30; // times as long as the last drawing took
export const LIGHT = { ink: '#16191d', muted: '#59616b', line: '#dfe2e7', grid: '#eceef1', surface: '#ffffff' };

const coarse = matchMedia('(pointer: coarse)');

export class Chart {
  // tools: elements on the right of the title; `figure()` → {data, layout} from what is known now;
  // clicked(x): a person pressed on the curves there
  constructor({ id, title, caption, empty, tools = [], figure, table, clicked = null }) {
    Object.assign(this, { figure, table, clicked, drawn: false, due: false });
    this.plot = h('div', { class: 'k-plot', id: `kdx-chart-${id}`, role: 'img', 'aria-label': title });
    this.ghost = h('p', { class: 'k-ghost-text k-plot-ghost' }, empty);
    this.twin = h(
      'details',
      { class: 'k-twin' },
      h('summary', {}, t('chart.table')),
      h('div', { class: 'k-table-wrap' }),
    );
    this.twin.addEventListener('toggle', () => this.fillTable());
    this.element = h(
      'section',
      { class: 'k-panel k-chart-panel', 'aria-label': title },
      h('div', { class: 'k-chart-head' }, h('h3', {}, title), h('div', { class: 'k-tools' }, tools)),
      h('div', { class: 'k-plot-frame' }, this.plot, this.ghost),
      h('p', { class: 'k-note' }, caption),
      this.twin,
    );
    listen('theme', () => this.drawNow());
    new ResizeObserver(() => {
      if (this.drawn) window.Plotly.Plots.resize(this.plot);
    }).observe(this.plot);
  }

  // Redraws soon, and not while nobody looks. New points may wait (`calm`): drawing must not take the machine from
  // the training it shows, so a chart spends at most a thirtieth of the time on itself.
  draw(calm = false) {
    if (this.due) return;
    this.due = true;
    const run = () => {
      this.due = false;
      const began = performance.now();
      this.drawNow();
      this.rested = performance.now() + REST * (performance.now() - began);
    };
    const soon = () =>
      document.hidden ? document.addEventListener('visibilitychange', run, { once: true }) : requestAnimationFrame(run);
    const wait = calm ? Math.min(3000, (this.rested ?? 0) - performance.now()) : 0;
    if (wait > 0) setTimeout(soon, wait);
    else soon();
  }

  drawNow() {
    const { data, layout, label } = this.figure();
    const empty = !data.length;
    this.ghost.hidden = !empty;
    this.plot.style.visibility = empty ? 'hidden' : '';
    if (label) this.plot.setAttribute('aria-label', label);
    if (!window.Plotly || (empty && !this.drawn)) return;
    const first = !this.drawn;
    this.drawn = true;
    window.Plotly.react(this.plot, data, this.dress(layout), {
      displayModeBar: false,
      responsive: false,
      displaylogo: false,
      doubleClick: 'reset',
      showTips: false,
    });
    if (first && this.clicked) this.plot.on('plotly_click', event => this.clicked(event.points[0].x));
    if (this.twin.open) this.fillTable();
  }

  // `tone`: where colours come from; a saved picture is always light, for slides.
  dress(layout, tone = onPage) {
    const muted = tone('muted');
    const axis = {
      gridcolor: tone('grid'),
      zerolinecolor: tone('grid'),
      linecolor: tone('line'),
      tickcolor: tone('line'),
      zeroline: false,
      tickfont: { color: muted, size: 11 },
      ticks: 'outside',
      ticklen: 4,
      automargin: true,
    };
    const small = this.plot.clientWidth < 460;
    return {
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      autosize: true,
      hovermode: 'x unified',
      margin: { l: 46, r: 12, t: 6, b: 34 },
      font: {
        family: 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
        size: 12,
        color: tone('ink'),
      },
      hoverlabel: { bgcolor: tone('surface'), bordercolor: tone('line'), font: { color: tone('ink'), size: 12 } },
      legend: {
        orientation: 'h',
        x: 0,
        y: 1.02,
        xanchor: 'left',
        yanchor: 'bottom',
        font: { size: 11, color: tone('ink') },
        bgcolor: 'rgba(0,0,0,0)',
        itemwidth: 30,
      },
      dragmode: coarse.matches ? false : 'zoom',
      ...layout,
      xaxis: { ...axis, nticks: small ? 5 : 8, ...layout.xaxis },
      yaxis: { ...axis, nticks: 6, ...layout.yaxis },
    };
  }

  fillTable() {
    if (!this.twin.open) return;
    const { head, rows } = this.table();
    this.twin.lastElementChild.replaceChildren(
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            head.map(cell => h('th', { scope: 'col' }, cell)),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map(row =>
            h(
              'tr',
              {},
              row.map((cell, i) => h(i ? 'td' : 'th', i ? {} : { scope: 'row' }, cell)),
            ),
          ),
        ),
      ),
    );
  }

  image(name) {
    if (!this.drawn) return;
    const { data, layout } = this.figure();
    const { xaxis, yaxis } = this.plot._fullLayout;
    const figure = this.dress(layout, tone => LIGHT[tone]);
    Object.assign(figure, { paper_bgcolor: LIGHT.surface, plot_bgcolor: LIGHT.surface });
    Object.assign(figure.xaxis, { range: xaxis.range, autorange: false });
    Object.assign(figure.yaxis, { range: yaxis.range, autorange: false });
    window.Plotly.downloadImage(
      { data, layout: figure },
      { format: 'png', filename: name, width: 1200, height: 640, scale: 2 },
    );
  }

  fail() {
    say(this.ghost, t('chart.failed'));
    this.ghost.hidden = false;
  }
}

// Vertical lines with a word at the top: knob turns, and where a fork began.
export function marksLayout(marks, last = Infinity) {
  const color = onPage('muted');
  return {
    shapes: marks.map(mark => ({
      type: 'line',
      xref: 'x',
      yref: 'paper',
      x0: mark.step,
      x1: mark.step,
      y0: 0,
      y1: 1,
      line: { color, width: 1, dash: 'dot' },
    })),
    annotations: marks.map((mark, i) => ({
      xref: 'x',
      yref: 'paper',
      x: mark.step,
      y: 1 - (i % 4) * 0.075,
      text: mark.text,
      showarrow: false,
      xanchor: mark.step > 0.7 * last ? 'right' : 'left',
      yanchor: 'top',
      font: { size: 10, color },
      bgcolor: onPage('surface'),
      borderpad: 1,
    })),
  };
}

// Plotly reads a little HTML in its texts: nothing of ours may look like it.
export const plain = text => String(text).replace(/[<>&]/g, '');

export const toolButton = (text, title, act) =>
  h('button', { type: 'button', class: 'k-tool', title, onclick: act }, text);

export function toolToggle(text, title, on, act) {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'k-tool',
      title,
      'aria-pressed': String(on),
      onclick: () => {
        const next = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(next));
        act(next);
      },
    },
    text,
  );
  return button;
}
