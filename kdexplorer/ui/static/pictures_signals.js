// Spectrum and line profile of the pictures that are shown, computed from their pixels once a person opens them.

import { h, say } from './dom.js';
import { download } from './browser.js';
import { Chart, loadPlotly, plain, toolButton } from './chart.js';
import { fixed } from './format.js';
import { pixels } from './pictures_errors.js';
import { paint } from './pictures_panel.js';
import { roleColor, roleName } from './roles.js';
import { csv } from './run_axes.js';
import { luma, radialSpectrum } from './spectrum.js';
import { t } from './words.js';

export class Signals {
  constructor(plotly) {
    Object.assign(this, { plotly, lines: [], panels: null });
    this.profile = this.chart('profile', () => this.profiles(), 0);
    this.spectrum = this.chart('spectrum', () => this.spectra(), 1);
    this.canvas = h('canvas', { class: 'k-pixels', 'aria-hidden': 'true' });
    this.mark = h('div', { class: 'k-row-mark' });
    this.picture = h('div', { class: 'k-row-picture' }, this.canvas, this.mark);
    this.slider = h('input', { type: 'range', min: 0, max: 0, value: 0, 'aria-label': t('signal.row') });
    this.says = h('span', { class: 'k-note k-tabular' });
    this.slider.addEventListener('input', () => this.move(Number(this.slider.value)));
    for (const name of ['pointerdown', 'pointermove'])
      this.picture.addEventListener(name, event => {
        if (!(event.buttons & 1) || !this.height) return;
        const box = this.picture.getBoundingClientRect();
        this.move(Math.floor(((event.clientY - box.top) / box.height) * this.height));
      });
    this.element = h(
      'details',
      { class: 'k-panel k-signals' },
      h('summary', {}, t('signal.title')),
      h(
        'div',
        { class: 'k-signals-row' },
        h('div', { class: 'k-row-choice' }, this.picture, this.slider, this.says),
        this.profile.element,
        this.spectrum.element,
      ),
    );
    this.element.addEventListener('toggle', () => this.read());
  }

  chart(id, lines, digits) {
    const title = t(`signal.${id}`);
    const chart = new Chart({
      id,
      title,
      caption: t(`signal.${id}.caption`),
      empty: t('signal.wait'),
      tools: [
        toolButton('PNG', t('chart.png'), () => chart.image(id)),
        toolButton('CSV', t('chart.csv'), () => download(`${id}.csv`, csv(chart.table()))),
      ],
      figure: () => this.figure(id, lines()),
      table: () => table(lines(), t(`signal.${id}.x`), id === 'spectrum' ? 3 : 0, digits),
    });
    return chart;
  }

  // panels: of one image at one step, as they are shown
  show(panels, run) {
    Object.assign(this, { panels, run });
    this.read();
  }

  // The newest pictures count.
  async read() {
    const { panels, run } = this;
    if (!this.element.open || !panels || panels === this.known) return;
    this.known = panels;
    loadPlotly(this.plotly).catch(() => [this.profile, this.spectrum].forEach(chart => chart.fail()));
    const found = await Promise.all(panels.map(panel => pixels(panel.image))).catch(() => null);
    if (panels !== this.panels || !found) return;
    await loadPlotly(this.plotly).catch(() => null);
    const { width, height } = found.at(-1);
    this.lines = found.map((image, i) => ({
      name: roleName(panels[i]),
      color: roleColor(panels[i], run),
      role: panels[i].role,
      width: image.width,
      values: luma(image),
      ...radialSpectrum(luma(image), image.width, image.height),
    }));
    paint(this.canvas, found.at(-1));
    this.picture.style.aspectRatio = `${width} / ${height}`;
    this.slider.max = height - 1;
    const same = this.height === height;
    this.height = height;
    this.move(same ? this.row : Math.floor(height / 2));
    this.spectrum.draw();
  }

  move(row) {
    this.row = Math.max(0, Math.min(row, this.height - 1));
    this.slider.value = this.row;
    this.slider.style.setProperty('--at', `${(100 * this.row) / Math.max(1, this.height - 1)}%`);
    this.mark.style.top = `${(100 * (this.row + 0.5)) / this.height}%`;
    say(this.says, t('signal.rowOf', { row: this.row, height: this.height }));
    this.slider.setAttribute('aria-valuetext', this.says.textContent);
    this.profile.draw();
  }

  profiles() {
    return this.lines.map(({ values, width, ...line }) => {
      const own = values.subarray(this.row * width, (this.row + 1) * width);
      return { ...line, x: Array.from(own, (_, i) => i), y: [...own] };
    });
  }

  spectra() {
    return this.lines.map(({ frequency, decibels, ...line }) => ({ ...line, x: frequency, y: decibels }));
  }

  figure(id, lines) {
    return {
      data: lines.map(({ name, color, role, x, y }) => ({
        type: 'scatter',
        mode: 'lines',
        name: plain(name),
        x,
        y,
        line: { color, width: role === 'input' ? 1 : 2, dash: { control: 'dash', input: 'dot' }[role] ?? 'solid' },
        hovertemplate: id === 'spectrum' ? '%{y:.1f} dB' : '%{y:.0f}',
      })),
      layout: {
        xaxis: { title: { text: t(`signal.${id}.x`), font: { size: 11 }, standoff: 4 } },
        yaxis: {
          title: { text: t(`signal.${id}.y`), font: { size: 11 }, standoff: 6 },
          ...(id === 'profile' ? { range: [0, 255], autorange: false } : {}),
        },
      },
      label: `${t(`signal.${id}`)}: ${lines.map(({ name }) => name).join(', ')}`,
    };
  }
}

// One row a place, one column a picture; places are the same for all of one size.
function table(lines, head, places, digits) {
  return {
    head: [head, ...lines.map(({ name }) => name)],
    rows: (lines[0]?.x ?? []).map((x, i) => [fixed(x, places), ...lines.map(({ y }) => fixed(y[i], digits))]),
  };
}
