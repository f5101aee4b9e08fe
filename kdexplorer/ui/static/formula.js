// The little LaTeX that methods write their formulas in, as MathML, which browsers draw themselves.

const NS = 'http://www.w3.org/1998/Math/MathML';
const SYMBOLS = {
  cdot: '·',
  times: '×',
  sum: '∑',
  lambda: 'λ',
  alpha: 'α',
  beta: 'β',
  gamma: 'γ',
  tau: 'τ',
  rho: 'ρ',
  mu: 'μ',
  sigma: 'σ',
  theta: 'θ',
  pi: 'π',
  phi: 'φ',
  psi: 'ψ',
  epsilon: 'ε',
  delta: 'δ',
  Delta: 'Δ',
  Sigma: 'Σ',
  Phi: 'Φ',
  odot: '⊙',
  in: '∈',
  le: '≤',
  ge: '≥',
  neq: '≠',
  infty: '∞',
  partial: '∂',
  nabla: '∇',
  ldots: '…',
  dots: '…',
  mid: '∣',
  top: '⊤',
  angle: '∠',
  log: 'log',
  ln: 'ln',
  exp: 'exp',
  cos: 'cos',
  min: 'min',
  max: 'max',
  Vert: '‖',
  '|': '‖',
  '{': '{',
  '}': '}',
  ',': '\u2009',
  ';': '\u2005',
  ' ': '\u2005',
  '!': '',
  quad: '\u2003',
  approx: '≈',
  to: '→',
  propto: '∝',
  ell: 'ℓ',
  langle: '⟨',
  rangle: '⟩',
};
const WORDS = new Set(['log', 'ln', 'exp', 'cos', 'min', 'max']);
const ACCENTS = { hat: '^', bar: '¯', overline: '¯', tilde: '~', vec: '→' };

const el = (name, ...children) => {
  const node = document.createElementNS(NS, name);
  node.append(...children);
  return node;
};

// What is not known shows by its name, and can be found.
function unknown(name) {
  const node = el('mo', name);
  node.setAttribute('class', 'k-unknown');
  return node;
}

function tokens(text) {
  return text.match(/\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|\S/g) || [];
}

function parse(list) {
  const raw = () => {
    if (list[0] !== '{') return list.shift() ?? '';
    list.shift();
    let depth = 1;
    let found = '';
    while (list.length) {
      const next = list.shift();
      if (next === '{') depth += 1;
      if (next === '}' && --depth === 0) break;
      found += next;
    }
    return found;
  };
  const atom = () => {
    const next = list.shift();
    if (next === undefined) return el('mrow');
    if (next === '{') return row('}');
    if (/^[0-9]/.test(next)) return el('mn', next);
    if (/^[A-Za-z]$/.test(next)) return el('mi', next);
    if (next[0] !== '\\') return el('mo', next === '-' ? '−' : next);
    const name = next.slice(1);
    if (name === 'left' || name === 'right') {
      const fence = list.shift() ?? '';
      return el('mo', fence === '.' ? '' : fence[0] === '\\' ? (SYMBOLS[fence.slice(1)] ?? fence.slice(1)) : fence);
    }
    if (['mathrm', 'text', 'operatorname', 'mathbf', 'mathcal', 'mathbb'].includes(name)) {
      const node = el('mi', raw());
      node.setAttribute('mathvariant', 'normal');
      return node;
    }
    if (name === 'frac' || name === 'tfrac') return el('mfrac', atom(), atom());
    if (name === 'sqrt') return el('msqrt', atom());
    if (name in ACCENTS) return el('mover', atom(), el('mo', ACCENTS[name]));
    if (WORDS.has(name)) return el('mi', name);
    if (!(name in SYMBOLS)) return unknown(name);
    return el(/^[a-z]/i.test(name) && SYMBOLS[name]?.match(/\p{L}/u) ? 'mi' : 'mo', SYMBOLS[name]);
  };
  const row = end => {
    const node = el('mrow');
    while (list.length) {
      if (list[0] === end) {
        list.shift();
        break;
      }
      let base = atom();
      let low = null;
      let high = null;
      while (list[0] === '_' || list[0] === '^') {
        if (list.shift() === '_') low = atom();
        else high = atom();
      }
      if (low && high) base = el('msubsup', base, low, high);
      else if (low) base = el('msub', base, low);
      else if (high) base = el('msup', base, high);
      node.append(base);
    }
    return node;
  };
  return row(null);
}

export function formula(latex) {
  const holder = document.createElement('div');
  holder.className = 'k-formula';
  const math = el('math');
  math.setAttribute('displaystyle', 'true');
  try {
    math.append(parse(tokens(latex)));
    holder.append(math);
  } catch {
    holder.textContent = latex;
  }
  return holder;
}
