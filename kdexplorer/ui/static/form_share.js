// Settings that travel: as a link, a command, a program, a file; and back by a link, by pasting, by dropping a file.

import { h, say } from './dom.js';
import { fromAddress, putInAddress } from './address.js';
import { download } from './browser.js';
import { openHideDialog } from './form_hide_dialog.js';
import { t } from './words.js';

const MOST = 200_000; // characters of a config.json
const SHOWN = 1800; // ms that 'copied' stays
const TITLES = {
  link: 'share.link',
  hide: 'share.hide',
  command: 'share.command',
  python: 'share.python',
  save: 'share.save',
  open: 'share.open',
};

// hidden: the names of what the form does not show there
export const linkTo = (code, seeds, hidden = []) => {
  const address = new URL(location.href);
  address.hash = '';
  address.search = '';
  address.searchParams.set('config', code);
  if (seeds > 1) address.searchParams.set('seeds', seeds);
  if (hidden.length) address.searchParams.set('hide', hidden.join(','));
  return address.href;
};

export function seedsInAddress(most) {
  const seeds = Number(fromAddress('seeds'));
  return Number.isInteger(seeds) && seeds >= 1 && seeds <= most ? seeds : 1;
}

// Where copying is not allowed (a page without https), the text is there to be copied by hand.
function showText(element, title, text) {
  const area = h('textarea', { class: 'k-copy-text', readonly: true, rows: 12, 'aria-label': title }, text);
  const dialog = h(
    'dialog',
    { class: 'k-dialog', 'aria-label': title },
    h('h2', {}, title),
    h('p', { class: 'k-note' }, t('share.byHand')),
    area,
    h(
      'div',
      { class: 'k-dialog-foot' },
      h('button', { type: 'button', class: 'k-button', onclick: () => dialog.close() }, t('close')),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  element.append(dialog);
  dialog.showModal();
  area.select();
}

export class Share {
  constructor(form) {
    this.form = form;
    this.summary = h('summary', { class: 'k-button' }, t('share.title'));
    const item = (key, act) =>
      h('button', { type: 'button', class: 'k-menu-item', 'data-name': `share.${key}`, onclick: act }, t(TITLES[key]));
    this.file = h('input', {
      type: 'file',
      accept: '.json,application/json',
      class: 'k-visually-hidden',
      tabindex: -1,
      'aria-label': t('share.open'),
      onchange: () => {
        this.take(this.file.files[0]);
        this.file.value = '';
      },
    });
    this.said = h('span', { class: 'k-visually-hidden', role: 'status' });
    this.element = h(
      'details',
      {
        class: 'k-sharing',
        onkeydown: event => event.key === 'Escape' && this.close(true),
        onfocusout: event => event.relatedTarget && !this.element.contains(event.relatedTarget) && this.close(),
      },
      this.summary,
      h(
        'div',
        { class: 'k-menu' },
        item('link', () => this.copy('link')),
        item('hide', () => this.hide()),
        item('command', () => this.copy('command')),
        item('python', () => this.copy('python')),
        item('save', () => this.save()),
        item('open', () => this.file.click()),
        h('p', { class: 'k-note' }, t('share.help')),
      ),
      this.file,
      this.said,
    );
    document.addEventListener('click', event => !this.element.contains(event.target) && this.close());
    document.addEventListener('paste', event => this.paste(event));
    this.catchDrops();
  }

  close(focus = false) {
    if (!this.element.open) return;
    this.element.open = false;
    if (focus) this.summary.focus();
  }

  async texts() {
    const answer = await this.form.server.share({ config: this.form.config });
    if (answer.error) this.form.foot.showProblems(answer.error.split('\n'), true);
    return answer.error ? null : answer;
  }

  hide() {
    this.close(true);
    openHideDialog(this.form, names => this.copy('link', names));
  }

  async copy(what, hidden = []) {
    const found = await this.texts();
    this.close(true);
    if (!found) return;
    if (what === 'link' && !found.code) {
      this.form.foot.showProblems([t('share.long')], true);
      return;
    }
    const text = what === 'link' ? linkTo(found.code, this.form.seeds, hidden) : found[what];
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      showText(this.form.element, t(TITLES[what]), text);
      return;
    }
    say(this.summary, t('share.copied'));
    say(this.said, t('share.copied'));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      say(this.summary, t('share.title'));
      say(this.said, '');
    }, SHOWN);
  }

  async save() {
    const found = await this.texts();
    this.close(true);
    if (found) download('config.json', found.json, 'application/json');
  }

  // Takes over what the server has read, or says beside the button what is wrong; the form stays as it is then.
  async accept(asking, fromAddress = false) {
    const answer = await asking;
    if (answer.error) this.form.foot.showProblems(answer.error.split('\n'), true);
    else this.form.takeOver(answer.config, fromAddress);
  }

  async take(file) {
    if (!file) return;
    if (file.size > MOST) this.form.foot.showProblems([t('share.tooLarge', { name: file.name })], true);
    else await this.accept(this.form.server.read({ text: await file.text() }));
  }

  paste(event) {
    if (event.target.closest?.('input, textarea, select, [contenteditable], dialog')) return;
    const text = event.clipboardData?.getData('text/plain').trim() ?? '';
    if (text.startsWith('{')) this.accept(this.form.server.read({ text: text.slice(0, MOST + 1) }));
    else if (/^https?:\/\/\S+[?&]config=/.test(text))
      this.accept(this.form.server.link({ code: new URL(text).searchParams.get('config') }));
    else return;
    event.preventDefault();
  }

  catchDrops() {
    const { element } = this.form;
    const ours = event => event.dataTransfer?.types.includes('Files') && !event.target.closest?.('.k-upload');
    const over = on => element.classList.toggle('k-dropping', on);
    element.addEventListener('dragover', event => {
      over(ours(event));
      if (ours(event)) event.preventDefault();
    });
    element.addEventListener('dragleave', event => !element.contains(event.relatedTarget) && over(false));
    element.addEventListener('drop', event => {
      over(false);
      if (!ours(event)) return;
      event.preventDefault();
      this.take(event.dataTransfer.files[0]);
    });
  }

  // The configuration of the page's own address, if it has one.
  async openAddress() {
    const code = fromAddress('config');
    if (code) await this.accept(this.form.server.link({ code }), true);
    else this.form.foot.showProblems([t('share.long')], true);
  }
}

export const hasConfigInAddress = () => new URLSearchParams(location.search).has('config');

// Once the form no longer shows the link's settings, the address must not say so.
export function forgetAddress() {
  if (hasConfigInAddress()) putInAddress('config', null);
  if (new URLSearchParams(location.search).has('seeds')) putInAddress('seeds', null);
}
