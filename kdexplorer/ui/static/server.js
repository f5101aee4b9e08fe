// The server's functions, each of which always answers: with what was asked for, or with `{error}` in words.
// Gradio's client returns nothing at all where the server cannot be reached.

import { className, t } from './words.js';

const translated = answer =>
  Array.isArray(answer.classes) ? { ...answer, classes: answer.classes.map(className) } : answer;

export function answering(server) {
  return Object.fromEntries(
    Object.entries(server).map(([name, call]) => [
      name,
      async query => {
        try {
          const answer = await call(query);
          if (answer && typeof answer === 'object' && !('detail' in answer)) return translated(answer);
        } catch {
          // said below, where the person looks
        }
        return { error: t('lost'), lost: true };
      },
    ]),
  );
}
