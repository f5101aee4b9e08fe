// How many images of each class every network knows: a group of bars a class.

import { download } from './browser.js';
import { Chart, plain, toolButton } from './chart.js';
import { fixed } from './format.js';
import { panelColor, roleName } from './pictures_panel.js';
import { csv } from './run_axes.js';
import { t } from './words.js';

const NAMED = 24; // classes whose names stand under their bars at once

export class ClassAccuracy extends Chart {
  constructor() {
    super({
      id: 'per-class',
      title: t('pictures.perClass'),
      caption: t('pictures.perClass.caption'),
      empty: t('preview.empty'),
      tools: [
        toolButton('PNG', t('chart.png'), () => this.image('per-class')),
        toolButton('CSV', t('chart.csv'), () => download('per-class.csv', csv(this.table()))),
      ],
      figure: () => this.bars(),
      table: () => this.rows(),
    });
  }

  // subject: {networks: [{role, name}], scores: {per_class}, data: {classes, excluded}, run}
  show(subject) {
    const other = subject.run !== this.subject?.run;
    this.subject = subject;
    if (other) this.drawNow();
    else this.draw(true);
  }

  title(index) {
    const { data } = this.subject;
    return data.excluded.includes(index) ? `${data.classes[index]} (${t('predict.unseen')})` : data.classes[index];
  }

  bars() {
    if (!this.subject) return { data: [], layout: {} };
    const { networks, scores, data, run } = this.subject;
    const places = data.classes.map((_, i) => i);
    const traces = networks
      .filter(network => scores.per_class[network.name])
      .map(network => {
        const color = panelColor(network, run);
        return {
          type: 'bar',
          name: plain(roleName(network)),
          x: places,
          y: scores.per_class[network.name],
          marker: {
            color,
            line: { color, width: network.role === 'control' ? 1 : 0 },
            pattern: network.role === 'control' ? { shape: '/', size: 5, solidity: 0.35, fgcolor: color } : undefined,
          },
          hovertemplate: '%{y:.1f} %',
        };
      });
    const named = places.length <= NAMED;
    return {
      data: traces,
      layout: {
        uirevision: run.id,
        barmode: 'group',
        bargap: 0.25,
        xaxis: {
          range: [-0.5, places.length - 0.5],
          tickvals: named ? places : undefined,
          ticktext: named ? places.map(i => plain(this.title(i)).replace(' (', '<br>(')) : undefined,
          ticks: '',
        },
        yaxis: { range: [0, 104], title: { text: `${t('pictures.perClass.axis')} (%)`, font: { size: 11 }, standoff: 6 } },
        shapes: data.excluded.map(i => ({
          type: 'rect', xref: 'x', yref: 'paper', x0: i - 0.5, x1: i + 0.5, y0: 0, y1: 1, layer: 'below',
          line: { width: 0 }, fillcolor: 'rgba(230, 159, 0, 0.14)',
        })),
      },
      label: `${t('pictures.perClass')}. ${this.sentence()}`,
    }; // prettier-ignore
  }

  // The class that each network knows least.
  sentence() {
    const { networks, scores, data } = this.subject;
    return networks
      .filter(network => scores.per_class[network.name])
      .map(network => {
        const values = scores.per_class[network.name].map(value => value ?? Infinity);
        const worst = values.indexOf(Math.min(...values));
        return t('pictures.perClass.worst', {
          network: roleName(network),
          label: data.classes[worst],
          share: fixed(values[worst], 1),
        });
      })
      .join(' ');
  }

  rows() {
    if (!this.subject) return { head: [], rows: [] };
    const { networks, scores, data } = this.subject;
    return {
      head: [t('pictures.class'), ...networks.map(network => `${roleName(network)} %`)],
      rows: data.classes.map((_, i) => [
        this.title(i),
        ...networks.map(network => fixed(scores.per_class[network.name]?.[i], 1)),
      ]),
    };
  }
}
