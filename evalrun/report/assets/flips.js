// ── The flips of a pair of columns: which cases only one of the two got right, each a way to its answers. ──
const FLIPS_SHOWN = 200;

function flipsOf([first, second]) {
  const only = [[], []], pass = page.words.indexOf('pass'), fail = page.words.indexOf('fail'), {word} = page.numbers;
  for (let c = 0; c < page.cases.length; c++) for (let sample = 0; sample < page.samples; sample++) {
    const one = word[page.at(c, sample, first)], other = word[page.at(c, sample, second)];
    if (one === pass && other === fail) only[0].push([c, sample, first]);
    if (one === fail && other === pass) only[1].push([c, sample, second]);
  }
  return only;
}
const flipLink = ([c, sample, k]) => h('a', {href: '#' + new URLSearchParams({open: address.nameOf(c, sample, k)}), dir: 'auto',
  onclick: event => { event.preventDefault(); drawer.open(c, sample, k, event.currentTarget); }}, page.cases[c].id + (page.samples > 1 ? ` (${sample})` : ''));
page.pairs.forEach((pair, at) => {
  const place = $('flips-' + at);
  place?.addEventListener('toggle', () => {
    if (place.childElementCount > 1) return;
    flipsOf(pair).forEach((flips, side) => place.append(h('p', {class: 'flip-list'}, h('b', {}, 'only ' + page.columns[pair[side]].label), ' ',
      flips.length ? flips.slice(0, FLIPS_SHOWN).flatMap((one, n) => [n ? ', ' : '', flipLink(one)]) : h('span', {class: 'muted'}, 'none on this page'),
      flips.length > FLIPS_SHOWN && h('span', {class: 'muted'}, ` and ${whole(flips.length - FLIPS_SHOWN)} more, in comparison.csv`))));
  });
});
