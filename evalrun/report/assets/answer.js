// ── One answer, whole, in a drawer. ──
const drawer = $('cell');
let at = {row: -1, model: -1};

const turn = (who, said, note) => h('div', {class: 'turn'}, h('b', {}, who), h('div', {dir: 'auto'}, said || h('span', {class: 'muted'}, '(empty)')),
  note && h('p', {class: 'note'}, note));
const wholeText = place => [text(place), CUT.has(place) && h('span', {class: 'muted'}, '\n… cut here; all of it is in results.jsonl')];
const said = (words, calls) => calls < 0 ? words >= 0 && wholeText(words) :
  [words >= 0 && h('p', {dir: 'auto'}, wholeText(words)), h('p', {class: 'calls', dir: 'auto'}, h('span', {class: 'muted'}, text(calls).includes('\n') ? 'calls\n' : 'calls '), wholeText(calls))];

function scoreTable(cell) {
  if (!cell[SCORES].length) return h('p', {class: 'scores muted'}, 'Not scored. ', text(cell[REASON]));
  const passed = one => one[2] == null ? verdict('unscored') : verdict(one[2] ? 'pass' : 'fail');
  return h('table', {class: 'scores'},
    h('thead', {}, h('tr', {}, ['Scorer', 'Result', 'Score', 'Weight', 'Reason'].map(name => h('th', {scope: 'col'}, name)))),
    h('tbody', {}, cell[SCORES].map(one => h('tr', {}, h('th', {scope: 'row'}, h('code', {}, text(one[0]))), h('td', {}, passed(one)),
      h('td', {}, one[1] == null ? '–' : one[1].toFixed(3)), h('td', {}, String(one[3])),
      h('td', {dir: 'auto'}, text(one[4]), one[5] >= 0 && [one[4] >= 0 && h('br'), h('span', {class: 'muted'}, 'compared: '), text(one[5])])))),
    h('tfoot', {}, h('tr', {}, h('th', {scope: 'row'}, 'All'), h('td', {}, verdict(text(cell[WORD]))),
      h('td', {}, cell[SCORE] == null ? '–' : cell[SCORE].toFixed(3)), h('td'), h('td'))));
}
function conversation(i, cell) {
  const one = caseOf(i), talk = cell[TALK] < 0 ? [] : D.talks[cell[TALK]], turns = [];
  for (let t = 0; t < talk.length; t += 3) turns.push(turn(text(talk[t]), said(talk[t + 1], talk[t + 2])));
  const figures = [cell[SENT] != null && `${whole(cell[SENT])} tokens in`, cell[RECEIVED] != null && `${whole(cell[RECEIVED])} out`,
    cell[SECONDS] != null && seconds(cell[SECONDS]), cell[TTFT] != null && `first token after ${seconds(cell[TTFT])}`, cell[SPEED] && speed(cell[SPEED]),
    cell[COST] ? '$' + cell[COST].toPrecision(3) : cell[COST] == null && cell[SENT] != null && 'cost unknown', cell[REQUESTS] > 1 && plural(cell[REQUESTS], 'request'),
    cell[CACHED] ? 'from the cache' : plural(cell[ATTEMPTS], 'attempt'),
    text(cell[FINISH]) && 'finish reason ' + text(cell[FINISH])].filter(Boolean).join(' · ');
  const silent = cell[OUTPUT] < 0 && cell[REASON] >= 0 && h('span', {class: 'muted'}, text(cell[REASON]));
  if (cell[THOUGHT] >= 0) turns.push(turn('reasoning', h('details', {}, h('summary', {}, `show ${plural(text(cell[THOUGHT]).length, 'character')}`), wholeText(cell[THOUGHT]))));
  turns.push(turn('answer', cell[CALLS] < 0 && silent || said(cell[OUTPUT], cell[CALLS]), figures));
  cell[CHOICES].forEach(([words, calls], at) => turns.push(turn(`answer ${at + 2}`, said(words, calls))));
  if (one[EXPECTED] >= 0) turns.push(turn('expected', wholeText(one[EXPECTED])));
  for (const [name, value] of one[VARS]) turns.push(turn(text(name), wholeText(value)));
  turns.push(turn('request key', h('code', {}, text(cell[KEY]))));
  return turns;
}
function openAnswer(i, k, focus) {
  const cell = cellAt(k, i);
  if (!cell) return;
  at = {row: i, model: k};
  go({open: `${i}:${MODELS[k].label}`});
  const place = list.indexOf(i), one = caseOf(i);
  const step = (by, name, label) => { const next = place < 0 ? undefined : list[place + by];
    return h('button', {class: 'btn quiet', 'data-k': name, 'aria-label': label, title: label, disabled: next === undefined || !cellAt(k, next),
      onclick: () => openAnswer(next, k, name)}, icon(name)); };
  drawer.replaceChildren(
    h('div', {class: 'hd'}, h('div', {class: 'top'},
      h('h2', {id: 'd-h', tabindex: -1}, text(one[ID]), one[TAGS].map(tag => h('span', {class: 'tag'}, text(tag))), FLIP[i] ? h('span', {class: 'tag'}, 'flip') : '',
        MANY.prompt && h('span', {class: 'tag'}, text(D.rows[i][PROMPT])), MANY.params && D.rows[i][PARAMS] >= 0 && h('span', {class: 'tag'}, text(D.rows[i][PARAMS]))),
      place >= 0 && h('span', {class: 'muted'}, `${whole(place + 1)} of ${whole(list.length)}`), step(-1, 'up', 'Previous case (k)'), step(1, 'down', 'Next case (j)'),
      h('button', {class: 'btn quiet', 'data-k': 'x', 'aria-label': 'Close (Esc)', title: 'Close (Esc)', onclick: () => drawer.close()}, icon('x'))),
    h('div', {class: 'switch', role: 'group', 'aria-label': 'Model'}, MODELS.map((model, j) => cellAt(j, i) && h('button', {'aria-pressed': String(j === k),
      onclick: () => openAnswer(i, j, 'model')}, h('span', {class: 'nm'}, mark(j), model.label), verdict(wordAt(j, i)))))),
    h('div', {class: 'panel', tabindex: 0, role: 'region', 'aria-label': 'Answer'}, scoreTable(cell), conversation(i, cell)));
  if (!drawer.open) drawer.showModal();
  const target = focus === 'model' ? drawer.querySelector('.switch [aria-pressed=true]') : focus && drawer.querySelector(`[data-k="${focus}"]:not([disabled])`);
  (target || $('d-h')).focus({preventScroll: true});
}
drawer.addEventListener('close', () => {
  const {row, model} = at;
  go({open: ''});
  document.querySelector(`.open[data-row="${row}"][data-model="${model}"]`)?.focus();
});
drawer.addEventListener('click', event => { if (event.target === drawer) drawer.close(); });
drawer.addEventListener('keydown', event => {
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  const by = {ArrowLeft: -1, ArrowRight: 1}[event.key], move = {k: -1, j: 1}[event.key], place = list.indexOf(at.row);
  if (by) { let j = at.model + by; while (MODELS[j] && !cellAt(j, at.row)) j += by; if (MODELS[j]) openAnswer(at.row, j, 'model'); }
  else if (move) { if (place >= 0 && list[place + move] !== undefined) openAnswer(list[place + move], at.model); }
  else return;
  event.preventDefault();
});
