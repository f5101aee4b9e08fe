// Files a person sends: checked and kept by the server, named by it.

import { h, replace, say, unique } from './dom.js';
import { t } from './words.js';

// The name under which a person knows a file that they sent, from its id: see `keep_upload`.
const nameOf = id =>
  id.replace(/^[0-9a-f]{16}-(.*)-[0-9a-f]{6}(\.[a-z]+)$/, (_, name, extension) => (name || 'upload') + extension);

// `ids` is the text of kept ids, separated by commas; `changed(ids)` gets the new text.
export function uploadBox(form, kind, ids, changed, words = kind === 'weights' ? 'upload.weights' : 'upload.images') {
  const id = unique('upload');
  const many = kind !== 'weights';
  const status = h('p', { class: 'k-trouble', role: 'status' });
  const list = h('ul', { class: 'k-files' });
  let kept = ids ? ids.split(',').map(part => ({ id: part.trim(), name: nameOf(part.trim()), note: '' })) : [];

  function draw() {
    replace(
      list,
      kept.map(file =>
        h(
          'li',
          {},
          h('span', {}, file.name),
          h('small', {}, file.note),
          h(
            'button',
            {
              type: 'button',
              class: 'k-link',
              'aria-label': t('upload.remove', { name: file.name }),
              onclick: () => {
                kept = kept.filter(other => other !== file);
                finish();
              },
            },
            '×',
          ),
        ),
      ),
    );
  }
  function finish() {
    draw();
    changed(kept.map(file => file.id).join(','));
  }
  async function send(files) {
    say(status, '');
    for (const file of files) {
      say(status, t('upload.sending', { name: file.name }));
      let answer;
      try {
        const sent = await form.upload(file);
        answer = await form.server.keep({ path: sent.path, kind });
      } catch {
        answer = { error: t('upload.failed') };
      }
      if (answer.error) {
        say(status, `${file.name}: ${answer.error}`);
        continue;
      }
      const entry = { id: answer.id, name: file.name, note: answer.note };
      kept = many ? [...kept, entry] : [entry];
      say(status, '');
      finish();
    }
  }
  const input = h('input', {
    id,
    type: 'file',
    multiple: many,
    class: 'k-visually-hidden',
    accept: many ? 'image/png,image/jpeg,image/bmp,image/webp,image/tiff' : '.safetensors,.pth,.pt',
    onchange: () => {
      send([...input.files]);
      input.value = '';
    },
  });
  const drop = h('label', { for: id, class: 'k-drop' }, t(words));
  drop.addEventListener('dragover', event => {
    event.preventDefault();
    drop.classList.add('k-over');
  });
  drop.addEventListener('dragleave', () => drop.classList.remove('k-over'));
  drop.addEventListener('drop', event => {
    event.preventDefault();
    drop.classList.remove('k-over');
    send([...event.dataTransfer.files].slice(0, many ? 64 : 1));
  });
  draw();
  return h('div', { class: 'k-upload' }, input, drop, list, status);
}
