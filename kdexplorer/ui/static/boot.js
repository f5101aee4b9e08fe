// What every part of the page waits for: the words in the person's language, and the colours.

import { useColors } from './colors.js';
import { loadWords } from './words.js';

let ready = null;

// What a tab hides is drawn when the tab is first shown; but the first tab, which follows the run for all others.
const seen = element =>
  new Promise(resolve => {
    if (!element.closest('.k-tabpanel:not(#kdx-tab-distill)') || element.offsetParent) {
      resolve();
      return;
    }
    const observer = new IntersectionObserver(entries => {
      if (!entries.some(entry => entry.isIntersecting)) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(element);
  });

export async function mount(boot, module, element, context) {
  if (!ready) {
    useColors(boot.colors);
    ready = loadWords(boot.languages);
  }
  const [part] = await Promise.all([import(new URL(module, document.baseURI).href), ready, seen(element)]);
  part.mount(element, { ...context, plotly: boot.plotly, languages: boot.languages });
}
