// The family of the open run: which runs were forked from which, as a tree that opens each.

import { h, replace } from './dom.js';
import { signal } from './browser.js';
import { fixed } from './format.js';
import { t } from './words.js';

export class Family {
  constructor() {
    this.body = h('div', { class: 'k-family-tree' });
    this.element = h(
      'section',
      { class: 'k-panel k-family', 'aria-label': t('family.title'), hidden: true },
      h('h3', {}, t('family.title')),
      this.body,
      h('p', { class: 'k-note' }, t('family.caption')),
    );
  }

  empty() {
    this.element.hidden = true;
  }

  // tree: root first, each after its parent, as the server's `family` gives it
  show(tree, id) {
    this.element.hidden = tree.length < 2;
    if (this.element.hidden) return;
    const children = parent => tree.filter(node => node.parent === parent);
    const branch = node =>
      h(
        'li',
        {},
        h(
          'button',
          {
            type: 'button',
            class: 'k-family-run',
            'aria-current': node.id === id ? 'true' : undefined,
            onclick: () => node.id !== id && signal('open', { run: node.id, fresh: false }),
          },
          h('span', { class: `k-status k-is-${node.status}` }, t(`status.${node.status}`)),
          h('b', {}, node.name || node.id),
          h(
            'span',
            { class: 'k-note k-tabular' },
            node.parent
              ? t('family.from', { from: fixed(node.parent_step, 0), step: fixed(node.step, 0) })
              : t('family.root', { step: fixed(node.step, 0) }),
          ),
        ),
        children(node.id).length > 0 && h('ul', {}, children(node.id).map(branch)),
      );
    replace(this.body, h('ul', {}, branch(tree[0])));
  }
}
