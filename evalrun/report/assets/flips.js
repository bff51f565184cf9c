// ── The flips of a pair of columns: which cases only one of the two got right, each a way to its answers. ──
const FLIPS_SHOWN = 200;

function cellsOf([model, prompt, params]) {  // a column's rows by case and sample
  const found = new Map();
  D.rows.forEach((row, i) => { if (row[PROMPT] === prompt && row[PARAMS] === params && cellAt(model, i)) found.set(row[CASE] + ' ' + row[SAMPLE], i); });
  return found;
}
function flipsOf([first, second]) {
  const mine = cellsOf(first), theirs = cellsOf(second), only = [[], []];
  for (const [key, i] of mine) {
    if (!theirs.has(key)) continue;
    const j = theirs.get(key), one = wordAt(first[0], i), other = wordAt(second[0], j);
    if (one === 'pass' && other === 'fail') only[0].push([i, first[0]]);
    if (one === 'fail' && other === 'pass') only[1].push([j, second[0]]);
  }
  return only;
}
const flipLink = ([i, k]) => h('a', {href: '#' + new URLSearchParams({open: `${i}:${MODELS[k].label}`}),
  onclick: event => { event.preventDefault(); openAnswer(i, k); }}, text(caseOf(i)[ID]) + (MANY.sample ? ` (${D.rows[i][SAMPLE]})` : ''));
D.pairs.forEach((pair, at) => {
  const place = $('flips-' + at);
  place?.addEventListener('toggle', () => {
    if (place.childElementCount > 1) return;
    flipsOf(pair).forEach((flips, side) => place.append(h('p', {class: 'flip-list'}, h('b', {}, 'only ' + MODELS[pair[side][0]].label), ' ',
      flips.length ? flips.slice(0, FLIPS_SHOWN).flatMap((one, n) => [n ? ', ' : '', flipLink(one)]) : h('span', {class: 'muted'}, 'none on this page'),
      flips.length > FLIPS_SHOWN && h('span', {class: 'muted'}, ` and ${whole(flips.length - FLIPS_SHOWN)} more, in comparison.csv`))));
  });
});
