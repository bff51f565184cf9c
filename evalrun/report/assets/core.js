// Every text from models, data sets and endpoints enters the page as a text node. Nothing here parses HTML.
const D = JSON.parse(document.getElementById('data').textContent);
const MODELS = D.models, N = D.rows.length;
const $ = id => document.getElementById(id);
const text = place => place < 0 ? '' : D.strings[place];
const CUT = new Set(D.cut);

// The order of a row's and a cell's entries, as island.py writes them.
const [CASE, PROMPT, PARAMS, SAMPLE, QUESTION] = [0, 1, 2, 3, 4];
const [ID, TAGS, EXPECTED, VARS] = [0, 1, 2, 3];
const [WORD, OUTPUT, REASON, SCORES, TALK, SCORE, SENT, RECEIVED, SECONDS, COST, ATTEMPTS, CACHED, FINISH, KEY,
  CALLS, TTFT, SPEED, THOUGHT, REQUESTS, CHOICES] = Array(20).keys();

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

// A model is known by one mark everywhere: a shape or a letter, accent for the best, hollow for simulated.
function mark(k) {
  const {mark: shape, best, simulated} = MODELS[k], drawn = ['square', 'disc', 'diamond'].includes(shape);
  return s('svg', {class: 'mk' + (best ? ' best' : '') + (simulated ? ' sim' : ''), viewBox: '-6 -6 12 12', 'aria-hidden': 'true'},
    s('use', {href: '#mk-' + (drawn ? shape : 'disc')}), !drawn && s('text', {y: 2.8}, shape));
}
const named = k => [mark(k), h('b', {}, MODELS[k].label), MODELS[k].simulated && h('span', {class: 'tag sim'}, 'simulated'),
  MODELS[k].recorded && h('span', {class: 'tag'}, 'recorded')];

const whole = x => Math.round(x).toLocaleString('en-US');
const seconds = x => x < .0995 ? (x < .0005 && x > 0 ? '<1 ms' : Math.round(x * 1000) + ' ms') : x < 9.995 ? x.toFixed(2) + ' s' : x.toFixed(1) + ' s';
const speed = x => `${x < 9.95 ? x.toFixed(1) : whole(x)} tokens/s`;
const plural = (n, word) => `${whole(n)} ${word}${n === 1 ? '' : 's'}`;

// What filters and sorting look at, worked out once.
const cellAt = (k, i) => D.cells[k][i];
const wordAt = (k, i) => { const cell = cellAt(k, i); return cell ? text(cell[WORD]) : ''; };
const FLIP = new Uint8Array(N), OPEN = new Uint8Array(N), SPREAD = new Float64Array(N), LOW = new Float64Array(N);
for (let i = 0; i < N; i++) {
  let passed = 0, failed = 0, low = 2, high = -1;
  for (let k = 0; k < MODELS.length; k++) {
    const word = wordAt(k, i), cell = cellAt(k, i);
    if (word === 'pass') passed++; else if (word === 'fail') failed++; else if (word) OPEN[i] = 1;
    if (cell && cell[SCORE] != null) { low = Math.min(low, cell[SCORE]); high = Math.max(high, cell[SCORE]); }
  }
  FLIP[i] = passed && failed ? 1 : 0;
  SPREAD[i] = 10 * Math.min(passed, failed) + Math.max(0, high - low);
  LOW[i] = low;
}
// Which rows a button shows. Of two runs a flip has a direction: the first model is before, the second after.
const KINDS = {all: () => true, flips: i => FLIP[i], open: i => OPEN[i],
  lost: i => FLIP[i] && wordAt(0, i) === 'pass', won: i => FLIP[i] && wordAt(0, i) === 'fail'};
const many = entry => new Set(D.rows.map(row => row[entry])).size > 1;
const MANY = {prompt: many(PROMPT), params: many(PARAMS), sample: many(SAMPLE)};
const caseOf = i => D.cases[D.rows[i][CASE]];

// The view lives in the address: a link shows what its sender saw. Defaults are left out, bad values fall back in silence.
const DEFAULTS = {q: '', show: 'all', tag: '', sort: 'plan', open: ''};
const view = {...DEFAULTS, v: [], hide: []};
function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const key in DEFAULTS) view[key] = said.get(key) ?? DEFAULTS[key];
  view.v = said.getAll('v');
  view.hide = said.getAll('hide');
  if (!Object.hasOwn(KINDS, view.show)) view.show = 'all';
  if (!['plan', 'disagreement', 'lowest'].includes(view.sort)) view.sort = 'plan';
}
function go(change) {
  Object.assign(view, change);
  const said = new URLSearchParams(Object.keys(DEFAULTS).filter(key => view[key] !== DEFAULTS[key]).map(key => [key, view[key]]));
  for (const key of ['v', 'hide']) for (const value of view[key]) said.append(key, value);
  const address = said.toString();
  history.replaceState(null, '', address ? '#' + address : location.pathname + location.search);
}
