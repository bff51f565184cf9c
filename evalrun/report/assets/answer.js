// ── One answer, whole, in a drawer. ──
const drawer = (() => {
  const box = $('cell');
  let at = null, from = null;
  const turn = (who, said, note) => h('div', {class: 'turn'}, h('b', {dir: 'auto'}, who), h('div', {dir: 'auto'}, said || h('span', {class: 'muted'}, '(empty)')), note && h('p', {class: 'note'}, note));
  const said = (words, calls) => !calls ? words : [words && h('p', {dir: 'auto'}, words), h('p', {class: 'calls', dir: 'auto'}, h('span', {class: 'muted'}, calls.includes('\n') ? 'calls\n' : 'calls '), calls)];

  function scoreTable(cell, {detail, reason}) {
    if (!detail.scores) return h('p', {class: 'scores muted'}, 'Not scored. ', reason);
    const passed = one => one === null ? verdict('unscored') : verdict(one ? 'pass' : 'fail');
    return h('table', {class: 'scores'},
      h('thead', {}, h('tr', {}, ['Scorer', 'Result', 'Score', 'Weight', 'Reason'].map(name => h('th', {scope: 'col'}, name)))),
      h('tbody', {}, detail.scores.map(([name, value, result, weight, why, extracted]) => h('tr', {}, h('th', {scope: 'row'}, h('code', {}, name)), h('td', {}, passed(result)),
        h('td', {}, value === null ? '–' : value.toFixed(3)), h('td', {}, String(weight)),
        h('td', {dir: 'auto'}, why, extracted && [why && h('br'), h('span', {class: 'muted'}, 'compared: '), extracted])))),
      h('tfoot', {}, h('tr', {}, h('th', {scope: 'row'}, 'All'), h('td', {}, verdict(cell.word)), h('td', {}, cell.score === null ? '–' : cell.score.toFixed(3)), h('td'), h('td'))));
  }
  function conversation(cell, texts) {
    const {detail} = texts, turns = (detail.talk || []).map(([who, words, calls]) => turn(who, said(words, calls)));
    const figures = [cell.sent !== null && `${whole(cell.sent)} tokens in`, cell.received !== null && `${whole(cell.received)} out`, cell.seconds !== null && seconds(cell.seconds),
      detail.ttft && `first token after ${seconds(detail.ttft)}`, detail.speed && speed(detail.speed), cell.cost ? '$' + cell.cost.toPrecision(3) : cell.cost === null && cell.sent !== null && 'cost unknown',
      cell.requests > 1 && plural(cell.requests, 'request'), cell.cached ? 'from the cache' : plural(cell.attempts, 'attempt'), detail.finish && 'finish reason ' + detail.finish].filter(Boolean).join(' · ');
    if (detail.reasoning) turns.push(turn('reasoning', h('details', {}, h('summary', {}, `show ${size(detail.reasoning.length)}`), detail.reasoning)));
    turns.push(turn('answer', texts.output || texts.calls ? said(texts.output, texts.calls) : texts.reason && h('span', {class: 'muted'}, texts.reason), figures));
    (detail.choices || []).forEach(([words, calls], n) => turns.push(turn(`answer ${n + 2}`, said(words, calls))));
    if (texts.expected) turns.push(turn('expected', texts.expected));
    for (const [name, value] of texts.vars) turns.push(turn(name, value));
    return turns;
  }
  async function open(c, s, k, opener, focus) {
    const cell = page.cell(c, s, k), texts = await page.texts(c, s, k);
    if (!cell) return;
    at = [c, s, k];
    if (opener) from = opener;
    address.set({open: address.nameOf(c, s, k)});
    const place = view.place(c, s, k), one = page.cases[c];
    const step = (by, name, label) => h('button', {class: 'btn quiet', 'data-k': name, 'aria-label': label, title: label, disabled: place < 0 || !view.rows[place + by], onclick: () => view.step(by)}, icon(name));
    box.replaceChildren(
      h('div', {class: 'hd'}, h('div', {class: 'top'},
        h('h2', {id: 'd-h', tabindex: -1}, h('span', {dir: 'auto'}, one.id), one.tags.map(place => h('span', {class: 'tag', dir: 'auto'}, page.tags[place])), page.samples > 1 && h('span', {class: 'tag'}, 'sample ' + s)),
        place >= 0 && h('span', {class: 'muted'}, `${whole(place + 1)} of ${whole(view.rows.length)}`), step(-1, 'up', 'Previous case (k)'), step(1, 'down', 'Next case (j)'),
        h('button', {class: 'btn quiet', 'data-k': 'x', 'aria-label': 'Close (Esc)', title: 'Close (Esc)', onclick: () => box.close()}, icon('x'))),
      h('div', {class: 'switch', role: 'group', 'aria-label': 'Column'}, page.columns.map((column, j) => page.cell(c, s, j) && h('button', {'aria-pressed': String(j === k),
        onclick: () => open(c, s, j, null, 'column')}, h('span', {class: 'nm'}, mark(column), h('span', {dir: 'auto'}, column.label)), verdict(page.cell(c, s, j).word))))),
      h('div', {class: 'panel', tabindex: 0, role: 'region', 'aria-label': 'Answer'}, scoreTable(cell, texts), conversation(cell, texts)));
    if (!box.open) box.showModal();
    (focus === 'column' ? box.querySelector('.switch [aria-pressed=true]') : $('d-h')).focus({preventScroll: true});
  }
  box.addEventListener('close', () => {
    address.set({open: ''});
    if (from?.isConnected && !from.closest('.cmp')) from.focus(); else view.back(...at);
    from = null;
  });
  box.addEventListener('click', event => { if (event.target === box) box.close(); });
  box.addEventListener('keydown', event => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const by = {ArrowLeft: -1, ArrowRight: 1}[event.key], move = {k: -1, j: 1}[event.key];
    if (move) view.step(move);
    else if (by) { let j = at[2] + by; while (page.columns[j] && !page.cell(at[0], at[1], j)) j += by; if (page.columns[j]) open(at[0], at[1], j, null, 'column'); }
    else return;
    event.preventDefault();
  });
  return {open, close: () => box.close()};
})();
