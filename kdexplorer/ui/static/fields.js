// One bounded value as a person sets it: a slider with a box, a switch, a choice, a text.
// A spec is what `Param.describe()` or the form's schema gives: kind, title, help, minimum, maximum, choices, unit, log;
// of a text also `check(text)`, which says what is wrong with it, or ''; `slider: false` and `segments: false` leave
// those out.

import { h, say, unique } from './dom.js';
import { brief } from './format.js';
import { t, tx } from './words.js';

const STEPS = 400; // positions of a slider
const SPAN = 50; // a logarithmic slider reaches from default ÷ 50 to default × 50; the box reaches the bounds

const snap = value => Number(value.toPrecision(2));

// Maps a slider's position (0 … STEPS) to a value and back; null where a slider makes no sense.
export function scaleOf(spec, around = spec.default) {
  const whole = spec.kind === 'int';
  let { minimum: low, maximum: high } = spec;
  if (low === null || low === undefined || high === null || high === undefined) return null;
  if (spec.log) {
    const middle = Number(around) > 0 ? Number(around) : 1;
    const zero = low <= 0;
    const bottom = Math.max(middle / SPAN, low > 0 ? low : 0, whole ? 1 : 0);
    const top = Math.min(middle * SPAN, high);
    const range = Math.log(top / bottom);
    return {
      value: at => {
        if (zero && at <= 0) return 0;
        const raw = snap(bottom * Math.exp((range * at) / STEPS));
        return Math.min(high, Math.max(low, whole ? Math.round(raw) : raw));
      },
      at: value => (value <= 0 ? 0 : Math.round((STEPS * Math.log(Math.max(value, bottom) / bottom)) / range)),
    };
  }
  if (!whole && high - low > 300 && spec.default > 0) high = low + 4 * spec.default; // the box reaches the bound
  if (high - low > 300 || (whole && high - low < 1)) return null;
  const step = whole ? 1 : 10 ** Math.floor(Math.log10((high - low) / 100));
  const round = value => Number((Math.round(value / step) * step).toPrecision(6));
  return {
    value: at => Math.min(high, Math.max(low, round(low + ((high - low) * at) / STEPS))),
    at: value => Math.round((STEPS * Math.min(high - low, Math.max(0, value - low))) / (high - low)),
  };
}

function problem(spec, text) {
  const value = Number(text);
  if (String(text).trim() === '' || !Number.isFinite(value)) return t('field.number');
  if (spec.kind === 'int' && !Number.isInteger(value)) return t('field.whole');
  if ((spec.minimum !== null && value < spec.minimum) || (spec.maximum !== null && value > spec.maximum)) {
    return t('field.between', { low: brief(spec.minimum), high: brief(spec.maximum) });
  }
  return '';
}

// Its line of help shows while the pointer or the focus is on it; where there is no pointer, a press on `?` shows it.
function label(spec, id, helpId) {
  const ask = h(
    'button',
    {
      type: 'button',
      class: 'k-ask',
      'aria-expanded': 'false',
      'aria-label': t('field.help', { name: tx(spec.title) }),
      onclick: () => ask.setAttribute('aria-expanded', String(ask.getAttribute('aria-expanded') !== 'true')),
      onblur: () => ask.setAttribute('aria-expanded', 'false'),
    },
    '?',
  );
  return h(
    'span',
    { class: 'k-label' },
    h('label', { for: id, class: spec.help ? 'k-has-help' : '' }, tx(spec.title)),
    spec.unit && h('span', { class: 'k-unit' }, tx(spec.unit)),
    spec.help && [ask, h('span', { id: helpId, role: 'tooltip', class: 'k-help' }, tx(spec.help))],
  );
}

function number(spec, start, changed) {
  const id = unique('field');
  const helpId = `${id}-help`;
  const trouble = h('span', { class: 'k-trouble', 'aria-live': 'polite' });
  const scale = spec.slider === false ? null : scaleOf(spec, spec.around ?? spec.default);
  const box = h('input', {
    id,
    type: 'text',
    inputmode: 'decimal',
    class: 'k-number',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': helpId,
    'data-name': spec.name,
  });
  const slider =
    scale &&
    h('input', { type: 'range', min: 0, max: STEPS, step: 1, 'aria-label': tx(spec.title), 'data-name': spec.name });
  let value = start;

  function show() {
    box.value = String(value);
    if (slider) {
      slider.value = scale.at(value);
      slider.setAttribute('aria-valuetext', `${brief(value)} ${spec.unit || ''}`.trim());
      slider.style.setProperty('--at', `${(100 * slider.value) / STEPS}%`);
    }
  }
  function judge(text) {
    const found = problem(spec, text);
    say(trouble, found);
    if (found) box.setAttribute('aria-invalid', 'true');
    else box.removeAttribute('aria-invalid');
  }
  function set(next) {
    value = next;
    show();
    judge(value);
  }
  box.addEventListener('input', () => {
    judge(box.value);
    const typed = Number(box.value);
    if (box.value.trim() !== '' && Number.isFinite(typed)) {
      value = typed;
      if (slider) {
        slider.value = scale.at(value);
        slider.style.setProperty('--at', `${(100 * slider.value) / STEPS}%`);
      }
      changed(value, false);
    }
  });
  box.addEventListener('change', () => {
    if (!box.hasAttribute('aria-invalid')) {
      show();
      changed(value, true);
    }
  });
  box.addEventListener('keydown', event => {
    if (scale && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      set(scale.value(Math.min(STEPS, Math.max(0, scale.at(value) + (event.key === 'ArrowUp' ? 4 : -4)))));
      changed(value, true);
    }
  });
  slider?.addEventListener('input', () => {
    set(scale.value(Number(slider.value)));
    changed(value, false);
  });
  slider?.addEventListener('change', () => changed(value, true));
  const element = h(
    'div',
    { class: `k-field k-number-field${slider ? '' : ' k-no-slider'}` },
    label(spec, id, helpId),
    slider,
    box,
    trouble,
  );
  set(value);
  return {
    element,
    set,
    get: () => value,
    disable: off => {
      box.disabled = off;
      if (slider) slider.disabled = off;
    },
  };
}

function toggle(spec, start, changed) {
  const id = unique('field');
  const input = h('input', {
    id,
    type: 'checkbox',
    role: 'switch',
    class: 'k-switch',
    'aria-describedby': `${id}-help`,
    'data-name': spec.name,
    onchange: () => changed(input.checked, true),
  });
  input.checked = Boolean(start);
  return {
    element: h('div', { class: 'k-field k-bool' }, label(spec, id, `${id}-help`), input),
    set: value => {
      input.checked = Boolean(value);
    },
    get: () => input.checked,
    disable: off => {
      input.disabled = off;
    },
  };
}

export const spoken = value => String(value).replaceAll('_', ' ');

function choice(spec, start, changed) {
  const id = unique('field');
  const options = spec.choices.map(value =>
    value !== null && typeof value === 'object' ? value : { value, title: tx(spoken(value)) },
  );
  const short =
    spec.segments !== false && options.length <= 4 && options.map(option => option.title).join('').length <= 26;
  if (short) {
    const inputs = options.map(option =>
      h('input', {
        type: 'radio',
        name: id,
        value: option.value,
        'data-name': spec.name,
        onchange: () => changed(option.value, true),
      }),
    );
    const set = value =>
      options.forEach((option, i) => {
        inputs[i].checked = option.value === value;
      });
    set(start);
    return {
      element: h(
        'div',
        {
          class: 'k-field k-segments-field',
          role: 'radiogroup',
          'aria-label': tx(spec.title),
          'aria-describedby': `${id}-help`,
        },
        label(spec, undefined, `${id}-help`),
        h(
          'span',
          { class: 'k-segments' },
          options.map((option, i) => h('label', {}, inputs[i], h('span', {}, option.title))),
        ),
      ),
      set,
      get: () => options[inputs.findIndex(input => input.checked)]?.value,
      disable: off =>
        inputs.forEach(input => {
          input.disabled = off;
        }),
    };
  }
  const select = h('select', {
    id,
    'aria-describedby': `${id}-help`,
    'data-name': spec.name,
    onchange: () => changed(options[select.selectedIndex].value, true),
  });
  let group = null;
  for (const option of options) {
    if (option.group && group?.label !== option.group) select.append((group = h('optgroup', { label: option.group })));
    if (option.group) group.label = option.group;
    (option.group ? group : select).append(h('option', { value: option.value }, option.title));
  }
  const set = value => {
    select.selectedIndex = options.findIndex(option => option.value === value);
  };
  set(start);
  return {
    element: h('div', { class: 'k-field k-choice' }, label(spec, id, `${id}-help`), select),
    set,
    get: () => options[select.selectedIndex]?.value,
    disable: off => {
      select.disabled = off;
    },
  };
}

function text(spec, start, changed) {
  const id = unique('field');
  const list = spec.kind === 'integers';
  const trouble = h('span', { class: 'k-trouble', 'aria-live': 'polite' });
  const input = h('input', {
    id,
    type: 'text',
    maxlength: spec.maximum ?? 1000,
    autocomplete: 'off',
    spellcheck: 'false',
    'data-name': spec.name,
    'aria-describedby': `${id}-help`,
    placeholder: list ? t('field.list') : '',
  });
  const read = () => {
    if (!list) return input.value;
    const parts = input.value.split(/[\s,;]+/).filter(Boolean);
    return parts.every(part => /^\d+$/.test(part)) ? parts.map(Number) : null;
  };
  const set = value => {
    input.value = list ? (value || []).join(', ') : (value ?? '');
  };
  input.addEventListener('input', () => {
    const value = read();
    const found = value === null ? t('field.listOnly') : (spec.check?.(value) ?? '');
    say(trouble, found);
    if (found) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    if (!found) changed(value, false);
  });
  input.addEventListener('change', () => !input.hasAttribute('aria-invalid') && changed(read(), true));
  set(start);
  return {
    element: h('div', { class: 'k-field k-text' }, label(spec, id, `${id}-help`), input, trouble),
    set,
    get: read,
    disable: off => {
      input.disabled = off;
    },
  };
}

// changed(value, final): `final` is false while a slider is dragged or a box is typed into.
export function field(spec, value, changed) {
  const start = value === undefined ? spec.default : value;
  if (spec.kind === 'choice') return choice(spec, start, changed);
  if (spec.kind === 'bool') return toggle(spec, start, changed);
  if (spec.kind === 'int' || spec.kind === 'float') return number(spec, start, changed);
  return text(spec, start, changed);
}
