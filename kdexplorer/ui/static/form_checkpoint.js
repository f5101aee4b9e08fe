// A teacher that a file of weights describes: the person brings the file, and the data follow what it says.

import { h, replace, say } from './dom.js';
import { field } from './fields.js';
import { count } from './format.js';
import { uploadBox } from './form_upload.js';
import { t } from './words.js';

const scaleOf = degradations => degradations.find(each => each.id === 'bicubic')?.params.scale ?? 2;
const shrinks = degradations => degradations.some(each => each.id === 'bicubic');

// Makes the images such as the checkpoint takes: gray or not, shrunk or not. Returns what was changed, in words.
function follow(form, { channels, scale }) {
  const { data } = form.config;
  const done = [];
  if (Boolean(data.gray) !== (channels === 1)) {
    data.gray = channels === 1;
    done.push(t(channels === 1 ? 'checkpoint.nowGray' : 'checkpoint.nowColor'));
  }
  if (form.paired()) return done; // their scale is what their folders hold
  if (scale > 1 && !(shrinks(data.degradations) && scaleOf(data.degradations) === scale)) {
    data.degradations = [{ id: 'bicubic', params: { scale } }];
    done.push(t('checkpoint.nowScale', { scale }));
  }
  if (scale === 1 && shrinks(data.degradations)) {
    data.degradations = [{ id: 'gaussian_noise', params: {} }];
    done.push(t('checkpoint.nowNoise'));
  }
  return done;
}

// `network`: the place in the configuration that is changed; `place`: what the server calls it.
export function checkpointFields(form, network, place) {
  const inside = h('div', { class: 'k-fields' });
  const note = h('p', { class: 'k-note', role: 'status' }, t('checkpoint.help'));
  let followed = network.weights; // a file is followed once, when it is chosen
  let done = []; // what was changed for it
  const put = weights => {
    network.weights = weights;
    done = [];
    say(note, t(weights === 'none' ? 'checkpoint.help' : 'checkpoint.reading'));
    form.changed();
  };
  const rest = network.weights.includes(':') ? network.weights.slice(network.weights.indexOf(':') + 1) : '';
  const draw = kind => {
    if (kind === 'file') {
      const spec = { kind: 'text', name: 'weights.path', title: t('weights.path'), help: t('weights.path.help'), default: '' };
      const path = network.weights.startsWith('file:') ? rest : '';
      replace(inside, field(spec, path, text => put(text.trim() ? `file:${text.trim()}` : 'none')).element);
    } else {
      const id = network.weights.startsWith('upload:') ? rest : '';
      replace(inside, uploadBox(form, 'weights', id, found => put(found ? `upload:${found}` : 'none')));
    }
  };
  const kind = network.weights.startsWith('file:') ? 'file' : 'upload';
  const choices = [
    { value: 'upload', title: t('weights.upload') },
    { value: 'file', title: t('weights.file') },
  ];
  const spec = { kind: 'choice', name: 'weights', title: t('form.weights'), help: t('checkpoint.from.help'), choices };
  const paths = form.schema.allow_paths || kind === 'file';
  const choice = paths && field(spec, kind, draw);
  draw(kind);
  form.readers ??= new Map();
  const read = facts => {
    if (!facts) {
      if (network.weights !== 'none') say(note, t('checkpoint.unread'));
      return;
    }
    const about = t('checkpoint.about', {
      architecture: facts.architecture,
      colors: t(facts.channels === 1 ? 'checkpoint.gray' : 'checkpoint.color'),
      scale: facts.scale,
      parameters: count(facts.parameters),
    });
    const fresh = followed !== network.weights;
    if (fresh) done = follow(form, facts);
    followed = network.weights;
    say(note, [about, ...done].join(' '));
    if (!fresh || !done.length) return;
    form.rebuild('data');
    form.changed();
  };
  form.readers.set(place, read);
  if (network.weights !== 'none' && form.reads?.[place]) read(form.reads[place]);
  return [choice?.element, inside, note].filter(Boolean);
}
