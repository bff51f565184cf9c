// ── The table of cases: which rows, in which order, a hundred at a time. ──
const STEP = 100;
let list = [], drawn = 0;

const picks = () => view.v.map(said => { const at = said.indexOf(':');
  return [said.slice(0, at), MODELS.findIndex(m => m.label === said.slice(at + 1))]; }).filter(([, k]) => k >= 0);
const fitting = () => Math.max(1, Math.floor((document.documentElement.clientWidth - 360) / 200));
function shownModels() {
  const wanted = MODELS.map((_, k) => k).filter(k => !view.hide.includes(MODELS[k].label));
  if (view.hide.length || innerWidth <= 820 || wanted.length <= fitting()) return wanted;
  const first = wanted.filter(k => MODELS[k].best), rest = wanted.filter(k => !MODELS[k].best);
  return [...first, ...rest].slice(0, fitting()).sort((a, b) => a - b);
}

function search(q) {  // each text is looked at once, however many rows hold it
  const sought = q.toLowerCase(), hit = D.strings.map(t => t.toLowerCase().includes(sought)), has = place => place >= 0 && hit[place];
  return i => { const one = caseOf(i);
    return has(one[ID]) || has(one[EXPECTED]) || has(D.rows[i][QUESTION]) || one[TAGS].some(has) || one[VARS].some(pair => has(pair[1])) ||
      MODELS.some((_, k) => { const cell = cellAt(k, i); return cell && (has(cell[OUTPUT]) || has(cell[CALLS]) || has(cell[REASON])); }); };
}
function select(leave) {
  const chosen = picks(), found = view.q && search(view.q), tag = view.tag && D.strings.indexOf(view.tag), rows = [];
  for (let i = 0; i < N; i++) {
    if (leave !== 'show' && !KINDS[view.show](i)) continue;
    if (view.tag && !caseOf(i)[TAGS].includes(tag)) continue;
    if (found && !found(i)) continue;
    if (chosen.some(([word, k]) => leave !== k && !chosen.some(([other, j]) => j === k && wordAt(k, i) === other))) continue;
    rows.push(i);
  }
  return rows;
}

function caseCell(i) {
  const row = D.rows[i], one = caseOf(i), tagged = (on, label) => on && label && h('span', {class: 'tag'}, label);
  return h('th', {scope: 'row', role: 'rowheader'},
    h('div', {class: 'id'}, h('span', {class: 'mono'}, text(one[ID])), one[TAGS].map(tag => h('span', {class: 'tag'}, text(tag))),
      tagged(MANY.prompt, text(row[PROMPT])), tagged(MANY.params, text(row[PARAMS])), tagged(MANY.sample, 'sample ' + row[SAMPLE])),
    h('div', {class: 'q', dir: 'auto'}, text(row[QUESTION])),
    one[EXPECTED] >= 0 && h('div', {class: 'exp'}, 'expected ', h('b', {dir: 'auto'}, text(one[EXPECTED]))));
}
const extracted = cell => { const score = cell[SCORES].find(one => one[5] >= 0); return score ? text(score[5]) : ''; };
function meta(cell) {
  const tokens = cell[SENT] != null && cell[RECEIVED] != null ? cell[SENT] + cell[RECEIVED] : null;
  return [tokens != null && plural(tokens, 'token'), cell[SECONDS] != null && seconds(cell[SECONDS]), cell[TTFT] != null && `first token ${seconds(cell[TTFT])}`,
    cell[CACHED] && 'cached', cell[REQUESTS] > 1 && plural(cell[REQUESTS], 'request'), cell[ATTEMPTS] > Math.max(1, cell[REQUESTS]) && plural(cell[ATTEMPTS], 'attempt'), text(cell[FINISH]) === 'length' && 'cut by the length limit'].filter(Boolean).join(' · ');
}
function answerCell(k, i) {
  const cell = cellAt(k, i);
  if (!cell) return h('td', {role: 'cell', class: 'none'});
  const word = text(cell[WORD]), got = extracted(cell), reason = text(cell[REASON]), output = text(cell[OUTPUT]);
  const tint = FLIP[i] && !['flips', 'lost', 'won'].includes(view.show) ? ' flip ' + word : '';
  const label = `${text(caseOf(i)[ID])}, ${MODELS[k].label}: ${wordOf(word)}${reason ? ', ' + reason : ''}`;
  return h('td', {role: 'cell', class: 'c' + tint}, h('div', {class: 'cell-h'}, h('span', {class: 'colname'}, named(k)),
      h('button', {class: 'open', 'data-row': i, 'data-model': k, 'aria-label': label, onclick: () => openAnswer(i, k)}, verdict(word)),
      got && got !== output.trim() && h('span', {class: 'got' + (word === 'fail' ? ' bad' : ''), dir: 'auto'}, got.length > 60 ? got.slice(0, 60) + '…' : got)),
    output && h('div', {class: 'ans', dir: 'auto'}, output.slice(0, 1200)),
    cell[CALLS] >= 0 && h('div', {class: 'ans calls', dir: 'auto'}, text(cell[CALLS]).slice(0, 1200)),
    reason && word !== 'pass' && h('div', {class: 'why-c', dir: 'auto'}, reason),
    h('div', {class: 'meta'}, meta(cell)));
}

function drawHead(models) {
  $('k-head').replaceChildren(h('tr', {role: 'row'},
    h('th', {scope: 'col', role: 'columnheader', class: 'c-case'}, h('b', {}, 'Case'), h('br'), h('small', {}, 'question and expected answer')),
    models.map(k => { const counts = new Map(), mine = picks().filter(([, j]) => j === k).map(([word]) => word);
      for (const i of select(k)) { const word = wordAt(k, i); if (word) counts.set(word, (counts.get(word) || 0) + 1); }
      const order = ['pass', 'fail'], words = [...counts.keys()].sort((a, b) => (order.indexOf(a) + 9) % 9 - (order.indexOf(b) + 9) % 9);
      return h('th', {scope: 'col', role: 'columnheader'}, h('span', {class: 'col'}, named(k)),
        h('div', {class: 'facets', role: 'group', 'aria-label': 'Show only these of ' + MODELS[k].label}, words.map(word => h('button', {
          'aria-pressed': String(mine.includes(word)), 'aria-label': `${wordOf(word)}: ${counts.get(word)}`, title: 'show only: ' + wordOf(word),
          class: 'v ' + word, 'data-facet': word + ':' + MODELS[k].label, onclick: () => toggle(word + ':' + MODELS[k].label)},
        icon(word in ICONS ? word : 'unscored'), whole(counts.get(word)))))); })));
}
function toggle(facet) {
  filter({v: view.v.includes(facet) ? view.v.filter(one => one !== facet) : [...view.v, facet]});
  [...document.querySelectorAll('[data-facet]')].find(button => button.dataset.facet === facet)?.focus();
}
function drawMore() {
  const models = shownModels(), from = drawn, body = $('k-body');
  drawn = Math.min(list.length, drawn + STEP);
  for (let at = from; at < drawn; at++) {
    body.append(h('tr', {role: 'row', 'data-at': at}, caseCell(list[at]), models.map(k => answerCell(k, list[at]))));
  }
  for (const answer of body.querySelectorAll('.ans:not(.cut)')) if (answer.scrollHeight > answer.clientHeight + 2) answer.classList.add('cut');
  $('k-more').hidden = drawn >= list.length;
  $('more-b').textContent = `Show ${whole(Math.min(STEP, list.length - drawn))} more of ${whole(list.length - drawn)}`;
}
const ORDER = {plan: null, disagreement: (a, b) => SPREAD[b] - SPREAD[a] || a - b, lowest: (a, b) => LOW[a] - LOW[b] || a - b};
function draw() {
  list = select();
  if (ORDER[view.sort]) list.sort(ORDER[view.sort]);
  $('k-body').replaceChildren();
  drawn = 0;
  drawHead(shownModels());
  drawMore();
  const models = shownModels().length;
  if ($('models-n')) $('models-n').textContent = models < MODELS.length ? `Models: ${models} of ${MODELS.length}` : 'Models';
  $('k-none').hidden = list.length > 0;
  $('count').textContent = list.length === N ? plural(N, 'row') : `${whole(list.length)} of ${plural(N, 'row')}`;
  $('say').textContent = plural(list.length, 'row') + ' shown';
  const among = select('show');
  for (const button of document.querySelectorAll('[data-show]')) {
    button.setAttribute('aria-pressed', String(button.dataset.show === view.show));
    button.querySelector('small').textContent = whole(among.filter(KINDS[button.dataset.show]).length);
  }
}
function filter(change) {
  go(change);
  for (const key of ['q', 'tag', 'sort']) if ($(key) && $(key).value !== view[key]) $(key).value = view[key];
  draw();
}
