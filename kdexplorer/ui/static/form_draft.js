// The form as it was left, kept in this browser tab: it survives a reload and another language.

const KEY = 'kdx-draft';

export function keepDraft({ config, preset, touched, seeds, chosen }) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ config, preset, touched, seeds, chosen }));
  } catch {
    /* storage may be forbidden or full: the draft lasts as long as the page */
  }
}

export function forgetDraft() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    /* as above */
  }
}

// What was kept, if it still looks like a configuration of this version; the server checks the rest.
export function keptDraft(version) {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEY));
    const { config } = draft;
    const whole =
      config.version === version &&
      Array.isArray(config.variants) &&
      [config.data.source, config.student, config.training].every(part => part && typeof part === 'object');
    return whole ? draft : null;
  } catch {
    return null;
  }
}
