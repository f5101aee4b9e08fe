// What every part of the page waits for: the words in the person's language, and the colours.

import { useColors } from './colors.js';
import { loadWords } from './words.js';

let ready = null;

export async function mount(boot, module, element, context) {
  if (!ready) {
    useColors(boot.colors);
    ready = loadWords(boot.languages);
  }
  const [part] = await Promise.all([import(new URL(module, document.baseURI).href), ready]);
  part.mount(element, { ...context, plotly: boot.plotly, languages: boot.languages });
}
