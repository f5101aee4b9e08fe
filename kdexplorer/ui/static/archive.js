// Exported runs: a link that saves one as a zip, a button that takes one in.

import { h, say } from './dom.js';
import { showTab, signal, token } from './browser.js';
import { t } from './words.js';

export const exportAddress = id => new URL(`kdx/export/${encodeURIComponent(id)}.zip`, document.baseURI).href;

export const exportLink = () => h('a', { class: 'k-button k-ghost k-export', download: '', title: t('archive.export.help') }, t('archive.export'));

// take({path, token}) → {run} or {error}; trouble: where problems are said
export function importButton({ upload, take, trouble }) {
  const input = h('input', {
    type: 'file',
    accept: '.zip,application/zip',
    class: 'k-visually-hidden',
    'aria-label': t('archive.import.help'),
    onchange: () => send(input.files[0]),
  });
  const button = h('button', { type: 'button', class: 'k-tool', title: t('archive.import.help'), onclick: () => input.click() }, t('archive.import'));

  async function send(file) {
    if (!file) return;
    input.value = '';
    button.disabled = true;
    say(trouble, t('upload.sending', { name: file.name }));
    let answer;
    try {
      const sent = await upload(file);
      answer = await take({ path: sent.path, token: token() });
    } catch {
      answer = { error: t('upload.failed') };
    }
    button.disabled = false;
    say(trouble, answer.error ? `${file.name}: ${answer.error}` : '');
    if (!answer.run) return;
    signal('runs-changed');
    signal('open', { run: answer.run, fresh: false });
    showTab('distill');
  }
  return h('span', { class: 'k-import' }, button, input);
}
