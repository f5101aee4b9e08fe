// What each button of a run's line does: on the button itself, and as a list that one press unfolds.

import { h, unique } from './dom.js';
import { t } from './words.js';

const titleOf = id => {
  if (id === 'pause') return `${t('run.pause')} / ${t('run.resume')}`;
  return id === 'export' ? t('archive.export') : t(`run.${id}`, { n: 'N' });
};
const helpOf = id => {
  if (id === 'pause') return t('run.pause.help');
  return id === 'export' ? t('archive.export.help') : t(`run.${id}.help`);
};

// buttons: {id: element}. Returns the button that unfolds the list, and the list.
export function actionsHelp(buttons) {
  const list = h('dl', { class: 'k-actions-help', id: unique('actions'), hidden: true });
  for (const [id, button] of Object.entries(buttons)) {
    const text = h('dd', { id: unique('action') }, helpOf(id));
    list.append(h('dt', {}, titleOf(id)), text);
    button.title = text.textContent;
    button.setAttribute('aria-describedby', text.id);
  }
  const ask = h(
    'button',
    {
      type: 'button',
      class: 'k-ask k-actions-ask',
      'aria-label': t('run.help'),
      title: t('run.help'),
      'aria-expanded': 'false',
      'aria-controls': list.id,
      onclick: () => {
        list.hidden = !list.hidden;
        ask.setAttribute('aria-expanded', String(!list.hidden));
      },
    },
    '?',
  );
  return { ask, list };
}
