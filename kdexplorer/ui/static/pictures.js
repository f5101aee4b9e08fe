// The tab of pictures: what each network makes of held-out images at a step of the run, and of a photo of one's own.

import { h, replace, say } from './dom.js';
import { listen } from './browser.js';
import { Inside } from './pictures_inside.js';
import { OwnPhoto } from './pictures_photo.js';
import { Predictions } from './pictures_predictions.js';
import { Restorations } from './pictures_restorations.js';
import { answering } from './server.js';
import { StepSlider } from './step_slider.js';
import { t } from './words.js';

const CALM = 2000; // ms between two exchanges of the pictures while a run goes on
const KEPT = 12; // steps whose pictures are kept

class Pictures {
  constructor(element, { server, upload, plotly }) {
    Object.assign(this, { server, plotly, run: null, shown: null, view: null, kept: new Map() });
    this.title = h('h3', {}, t('pictures.title'));
    this.slider = new StepSlider(t('preview.scrub'), () => this.load());
    this.ghost = h('div', { class: 'k-pictures-empty' });
    this.trouble = h('p', { class: 'k-trouble', role: 'status' });
    this.body = h('div', { class: 'k-pictures-body' });
    this.photo = new OwnPhoto(server, upload);
    this.inside = new Inside();
    this.element = h(
      'div',
      { class: 'k-study k-pictures-tab' },
      h(
        'section',
        { class: 'k-panel k-pictures-head', 'aria-label': t('pictures.title') },
        h('div', { class: 'k-chart-head' }, this.title, this.slider.element),
        this.trouble,
        this.ghost,
      ),
      this.body,
      this.inside.element,
      this.photo.element,
    );
    replace(element, this.element);
    this.empty(t('pictures.noRun'), t('pictures.noRun.help'));
    listen('run', ({ run, changed }) => this.follow(run, changed), { late: true });
    document.addEventListener('visibilitychange', () => this.load());
    new IntersectionObserver(() => this.load()).observe(this.element);
  }

  get visible() {
    return !document.hidden && this.element.offsetParent !== null;
  }

  empty(title, text) {
    Object.assign(this, { shown: null, view: null });
    this.ghost.hidden = false;
    replace(this.ghost, h('h4', {}, title), h('p', {}, text));
    this.body.replaceChildren();
    this.photo.show(null);
    this.inside.show(null, []);
  }

  follow(run, changed) {
    const other = run !== this.run;
    if (other) {
      this.run = run;
      this.kept.clear();
      say(this.trouble, '');
      this.slider.reset();
      if (run) this.empty(t('pictures.wait'), t('pictures.wait.help'));
      else this.empty(t('pictures.noRun'), t('pictures.noRun.help'));
    }
    if (!run) return;
    if (run.previews.length && (other || changed.has('previews'))) {
      this.slider.show([...new Set(run.previews.map(mark => mark.step))].sort((a, b) => a - b));
      this.soon();
    }
    if (run.over && !run.previews.length) this.empty(t('pictures.none'), t('pictures.none.help'));
    if (changed.has('seen')) this.inside.follow(run);
    if (this.view) this.photo.show(run);
  }

  // Pictures of a run that goes on change no faster than one can look at them.
  soon() {
    clearTimeout(this.timer);
    const wait = this.shown === null || this.run.over ? 0 : CALM - (performance.now() - this.loadedAt);
    this.timer = setTimeout(() => this.load(), Math.max(0, wait));
  }

  async load() {
    const { run } = this;
    const { step } = this.slider;
    if (!run || step === undefined || step === this.shown || this.loading || !this.visible) return;
    this.loading = true;
    this.loadedAt = performance.now();
    const found = this.kept.get(step) ?? (await this.fetch(run, step));
    this.loading = false;
    if (run !== this.run) {
      this.load();
      return;
    }
    say(this.trouble, found.error ?? '');
    this.shown = step; // also where it is gone: it is not asked for again
    if (!found.error) {
      this.kept.set(step, found);
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
      this.draw(found, step);
    }
    if (this.slider.step !== step) this.load();
  }

  async fetch(run, step) {
    const ask = part => this.server.preview({ run: run.id, step, part });
    const parts = run.config?.task === 'classification' ? ['logits', 'scores'] : ['scores'];
    const [found, ...more] = await Promise.all([ask(), ...parts.map(ask)]);
    if (found.error) return found;
    return { ...found, ...Object.fromEntries(parts.map((part, i) => [part, more[i].error ? null : more[i]])) };
  }

  draw(data, step) {
    const Kind = data.kind === 'restoration' ? Restorations : Predictions;
    if (!(this.view instanceof Kind)) {
      const { run, plotly, server } = this;
      const fetch = async other => this.kept.get(other) ?? server.preview({ run: run.id, step: other });
      this.view = new Kind({ plotly, fetch, server });
      this.ghost.hidden = true;
      say(this.title, t(data.kind === 'restoration' ? 'pictures.restorations' : 'pictures.predictions'));
      replace(this.body, this.view.element);
      this.photo.show(this.run);
    }
    this.view.show(data, this.run, step);
    this.inside.show(this.run, data.inside ?? []);
  }
}

export function mount(element, context) {
  const pictures = new Pictures(element, { ...context, server: answering(context.server) });
  window.kdx = { ...window.kdx, pictures };
}
