// How high a chart has to be so that its legend takes nothing from the curves.

const HEIGHT = 290; // px, with one line of legend
const LINE = 19; // px
const LETTER = 6.2; // px, about
const SWATCH = 50; // px, with its gaps

// Plotly gives all entries of a legend the width of its longest.
export function fitLegend(plot, names) {
  const widest = SWATCH + LETTER * Math.max(...names.map(name => name.length));
  const across = Math.max(1, Math.floor((plot.clientWidth - 60) / widest));
  plot.parentElement.style.height = `${HEIGHT + LINE * (Math.ceil(names.length / across) - 1)}px`;
}
