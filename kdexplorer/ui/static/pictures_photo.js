// A photo of one's own, seen by the networks of the run: made worse first, or taken as it is.

import { h, replace, say, unique } from './dom.js';
import { fixed } from './format.js';
import { Comparison } from './pictures_comparison.js';
import { panelColor, roleName, swatch } from './pictures_panel.js';
import { insistent } from './questions.js';
import { t, tx } from './words.js';

const TYPES = 'image/png,image/jpeg,image/bmp,image/webp,image/tiff';
const MOST = 5; // classes of a list
const order = { teacher: 0, variant: 1, control: 2 };

export class OwnPhoto {
  constructor(server, upload) {
    Object.assign(this, { server, upload, run: null, sent: null, degrade: true, ensemble: false, asked: 0 });
    const id = unique('photo');
    this.input = h('input', {
      id,
      type: 'file',
      accept: TYPES,
      class: 'k-visually-hidden',
      onchange: () => {
        this.send(this.input.files[0]);
        this.input.value = '';
      },
    });
    this.drop = h('label', { for: id, class: 'k-drop' }, t('pictures.photo.drop'));
    for (const name of ['dragover', 'dragleave', 'drop'])
      this.drop.addEventListener(name, event => {
        event.preventDefault();
        this.drop.classList.toggle('k-over', name === 'dragover');
        if (name === 'drop') this.send(event.dataTransfer.files[0]);
      });
    const choice = (key, help, degrade) =>
      h(
        'button',
        {
          type: 'button',
          class: 'k-segment',
          'aria-pressed': String(degrade === this.degrade),
          title: t(help),
          onclick: () => {
            this.degrade = degrade;
            this.choices.forEach((button, i) => button.setAttribute('aria-pressed', String(degrade === !i)));
            this.ask();
          },
        },
        t(key),
      );
    this.choices = [
      choice('pictures.photo.degrade', 'pictures.photo.degrade.help', true),
      choice('pictures.photo.asItIs', 'pictures.photo.asItIs.help', false),
    ];
    this.kinds = h('div', { class: 'k-segments', role: 'group', 'aria-label': t('pictures.photo.how') }, this.choices);
    this.eight = h(
      'button',
      {
        type: 'button',
        class: 'k-tool',
        'aria-pressed': 'false',
        title: t('pictures.photo.ensemble.help'),
        onclick: () => {
          this.ensemble = !this.ensemble;
          this.eight.setAttribute('aria-pressed', String(this.ensemble));
          this.ask();
        },
      },
      t('pictures.photo.ensemble'),
    );
    this.state = h('p', { class: 'k-note', role: 'status' });
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    this.notes = h('p', { class: 'k-note' });
    this.result = h('div', { class: 'k-photo-result' });
    this.element = h(
      'section',
      { class: 'k-panel k-own-photo', 'aria-label': t('pictures.photo'), hidden: true },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h3', {}, t('pictures.photo')),
        h('div', { class: 'k-tools' }, this.eight, this.kinds),
      ),
      h('div', { class: 'k-upload' }, this.input, this.drop),
      this.state,
      this.trouble,
      this.notes,
      this.result,
    );
  }

  show(run) {
    if (run !== this.run) {
      this.asked += 1;
      this.comparison = null;
      replace(this.result);
      for (const line of [this.trouble, this.notes]) say(line, '');
      say(this.state, t('pictures.photo.help'));
    }
    this.run = run;
    this.element.hidden = !run || !this.server.photo;
    for (const tool of [this.kinds, this.eight]) tool.hidden = !this.restores;
  }

  get restores() {
    return this.run?.config?.task !== 'classification';
  }

  async send(file) {
    if (!file) return;
    const turn = (this.asked += 1);
    say(this.trouble, '');
    say(this.state, t('upload.sending', { name: file.name }));
    let answer;
    try {
      const sent = await this.upload(file);
      answer = await this.server.keep({ path: sent.path, kind: 'image' });
    } catch {
      answer = { error: t('upload.failed') };
    }
    if (turn !== this.asked) return;
    if (answer.error) {
      this.fail(answer.error);
      return;
    }
    this.sent = { id: answer.id, name: file.name };
    this.ask();
  }

  fail(reason) {
    say(this.trouble, reason);
    say(this.state, this.sent ? t('pictures.photo.of', { name: this.sent.name }) : t('pictures.photo.help'));
  }

  // The newest question counts; the pictures of the one before stay until it is answered.
  async ask() {
    if (!this.sent || !this.run) return;
    const { run, sent } = this;
    const turn = (this.asked += 1);
    say(this.trouble, '');
    say(this.state, t('pictures.photo.asking', { name: sent.name }));
    this.result.toggleAttribute('data-waiting', true);
    const asked = { run: run.id, upload: sent.id, degrade: this.degrade, ensemble: this.ensemble && this.restores };
    const found = await insistent(
      () => this.server.photo(asked),
      () => turn === this.asked,
    );
    if (turn !== this.asked) return;
    this.result.toggleAttribute('data-waiting', false);
    if (found.error) {
      this.fail(found.error);
      return;
    }
    say(this.state, [t('pictures.photo.of', { name: sent.name }), ...[found.size].flat().join(' × ')].join(''));
    say(this.notes, (found.notes ?? []).map(tx).join(' '));
    this.draw(found, sent.name);
  }

  draw(found, name) {
    const { run } = this;
    if (found.panels.some(panel => panel.predictions)) {
      replace(this.result, this.believed(found.panels, name));
      this.comparison = null;
      return;
    }
    if (!this.comparison) {
      this.comparison = new Comparison();
      replace(this.result, this.comparison.element);
    }
    this.comparison.show({ title: name, panels: found.panels, convention: found.convention }, run.metrics, run);
  }

  // A classifier's likeliest classes, a list a network.
  believed(panels, name) {
    const { run } = this;
    const networks = panels.filter(panel => panel.predictions).sort((a, b) => order[a.role] - order[b.role]);
    const input = panels.find(panel => panel.role === 'input');
    return h(
      'div',
      { class: 'k-photo-beliefs' },
      input && h('img', { class: 'k-large-picture', src: input.image, alt: name }),
      networks.map(panel =>
        h(
          'div',
          {},
          h('span', { class: 'k-panel-name' }, swatch(panel, run), roleName(panel)),
          h(
            'ol',
            {},
            panel.predictions
              .slice(0, MOST)
              .map(({ class: label, share }) =>
                h(
                  'li',
                  {},
                  h('span', {}, label),
                  h(
                    'span',
                    { class: 'k-share', 'aria-hidden': 'true' },
                    h('i', { style: { width: `${100 * share}%`, background: panelColor(panel, run) } }),
                  ),
                  h('span', { class: 'k-tabular' }, `${fixed(100 * share, 1)} %`),
                ),
              ),
          ),
        ),
      ),
    );
  }
}
