// The lessons, from the line on top.

import { h, replace } from './dom.js';
import { Menu } from './topmenu.js';
import { language, t } from './words.js';

// lessons: [{id, title: {en, zh}, summary, minutes}]
export function lessonMenu(lessons, open) {
  const say = words => words[language()] ?? words.en;
  const menu = new Menu({
    title: t('lesson.menu'),
    opened: panel =>
      replace(
        panel,
        lessons.map(lesson =>
          h(
            'button',
            {
              type: 'button',
              class: 'k-topmenu-item',
              dataset: { lesson: lesson.id },
              onclick: () => {
                menu.close();
                open(lesson.id);
              },
            },
            h('span', { class: 'k-topmenu-name' }, say(lesson.title)),
            h('small', {}, `${say(lesson.summary)} · ${t('lesson.minutes', { n: lesson.minutes })}`),
          ),
        ),
      ),
  });
  return menu.element;
}
