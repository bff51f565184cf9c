// Every text from models, data sets and endpoints enters the page as a text node. Nothing here parses HTML.
const $ = id => document.getElementById(id);

function put(element, attributes, kids) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value == null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...kids.flat(9).filter(kid => kid != null && kid !== false && kid !== ''));
  return element;
}
const NS = 'http://www.w3.org/2000/svg';
const h = (tag, attributes, ...kids) => put(document.createElement(tag), attributes, kids);
const s = (tag, attributes, ...kids) => put(document.createElementNS(NS, tag), attributes, kids);
const ICONS = {pass: 'pass', fail: 'fail', error: 'error', skipped: 'skipped', pending: 'pending', spared: 'skipped', filtered: 'filtered', unscored: 'unscored'};
const icon = name => s('svg', {class: 'i', 'aria-hidden': 'true'}, s('use', {href: '#' + (ICONS[name] || name)}));
const wordOf = word => ({no_answer: 'no answer', spared: 'not needed'})[word] || word;
const verdict = (word, shown) => h('span', {class: 'v ' + word}, icon(word in ICONS ? word : 'unscored'), shown || wordOf(word));

// A column is known by one mark everywhere: a shape or a letter, accent for the best, hollow for simulated.
function mark({mark: shape, best, simulated}) {
  const drawn = ['square', 'disc', 'diamond'].includes(shape);
  return s('svg', {class: 'mk' + (best ? ' best' : '') + (simulated ? ' sim' : ''), viewBox: '-6 -6 12 12', 'aria-hidden': 'true'},
    s('use', {href: '#mk-' + (drawn ? shape : 'disc')}), !drawn && s('text', {y: 2.8}, shape));
}
const named = column => [mark(column), h('b', {dir: 'auto'}, column.label), column.simulated && h('span', {class: 'tag sim'}, 'simulated'),
  column.recorded && h('span', {class: 'tag'}, 'recorded')];

const whole = x => Math.round(x).toLocaleString('en-US');
const seconds = x => x < .0995 ? (x < .0005 && x > 0 ? '<1 ms' : Math.round(x * 1000) + ' ms') : x < 9.995 ? x.toFixed(2) + ' s' : x.toFixed(1) + ' s';
const speed = x => `${x < 9.95 ? x.toFixed(1) : whole(x)} tokens/s`;
const plural = (n, word) => `${whole(n)} ${word}${n === 1 ? '' : 's'}`;
const size = characters => characters < 1000 ? plural(characters, 'character') : `${characters < 9950 ? (characters / 1000).toFixed(1) : whole(characters / 1000)} kB`;
