// ── The table of cases: of all rows that are left, those near the window are drawn, between two spacers. ──
// view.rows holds the rows in the order shown. view.place(c, s, k): where a cell's row is among them, or -1.
// view.step(±1): opens the same column of the next or the previous row; whether there is one.
const view = (() => {
  const NEAR = 1.2, MOST_DRAWN = 60, TALLEST = 12e6, AT_FIRST = 180;  // windows drawn above and below; pixels that every browser scrolls
  const IN_A_CELL = 1200, BEHIND_MORE = 4096;
  const body = $('k-body'), head = $('k-head'), above = h('tr', {class: 'space', 'aria-hidden': 'true'}), below = h('tr', {class: 'space', 'aria-hidden': 'true'});
  const drawn = new Map(), heights = new Map(), wholly = new Set();  // place -> its <tr>; row -> pixels; cells whose text is shown in full
  let list = [], counts = [], shown = [], guess = AT_FIRST, offsets = new Float64Array(1), now = 0, frame = 0, paper = false;

  // Heights: a guess for rows never drawn, corrections in a Fenwick tree, so that any place is found in a few steps.
  function correct(place, by) { for (let i = place + 1; i < offsets.length; i += i & -i) offsets[i] += by; }
  function offset(place) { let sum = place * guess; for (let i = place; i > 0; i -= i & -i) sum += offsets[i]; return sum; }
  function placeAt(y) {
    let place = 0, left = y;
    for (let step = 1 << Math.floor(Math.log2(offsets.length)); step; step >>= 1) {
      const next = place + step;
      if (next < offsets.length && step * guess + offsets[next] <= left) { place = next; left -= step * guess + offsets[next]; }
    }
    return Math.min(place, list.length - 1);
  }
  function lay() {
    offsets = new Float64Array(list.length + 1);
    if (heights.size) guess = [...heights.values()].slice(0, 400).reduce((sum, one) => sum + one, 0) / Math.min(400, heights.size);
    if (heights.size) list.forEach((row, place) => { const height = heights.get(row); if (height) correct(place, height - guess); });
  }
  function measured(place, height) {
    const row = list[place], before = heights.get(row) ?? guess;
    if (Math.abs(height - before) < .5) return;
    correct(place, height - before);
    heights.set(row, height);
  }

  // ── What a row says. ──
  const fitting = () => Math.max(1, Math.floor((document.documentElement.clientWidth - 360) / 240));
  function shownChoices() {
    const hidden = new Set(address.state.hide.split(',')), choices = rows.choices.map((_, choice) => choice), wanted = choices.filter(choice => !hidden.has(rows.choices[choice].slug));
    if (address.state.hide && wanted.length) return wanted;
    if (innerWidth <= 820 || choices.length <= fitting()) return choices;
    const ranked = page.pairs.flat().map(k => rows.way.of[k]);  // the first with each, the best of them first
    return [...new Set([...choices.filter(choice => rows.choices[choice].best), ...ranked, ...choices])].slice(0, fitting()).sort((a, b) => a - b);
  }
  const spoken = (c, choice, word, reason) => `${page.cases[c].id}, ${rows.choices[choice].label}: ${wordOf(word)}${reason ? ', ' + reason : ''}`;
  const tag = label => h('span', {class: 'tag', dir: 'auto'}, label);
  function caseCell(row, texts) {
    const c = rows.caseOf(row);
    return h('th', {scope: 'row', role: 'rowheader'},
      h('div', {class: 'id'}, h('span', {class: 'mono', dir: 'auto'}, page.cases[c].id), page.cases[c].tags.map(one => tag(page.tags[one])), rows.contextOf(row).map(tag),
        page.samples > 1 && tag('sample ' + rows.sampleOf(row)), KINDS.flips(row) && tag('flip')),
      texts && h('div', {class: 'q', dir: 'auto'}, cutTo(texts.question || texts.vars.map(pair => pair.join(': ')).join('\n'), IN_A_CELL)),
      texts?.expected && h('div', {class: 'exp'}, 'expected ', h('b', {dir: 'auto'}, cutTo(texts.expected, 300))));
  }
  const cutTo = (text, most) => text.length > most ? text.slice(0, most) + '…' : text;
  function meta(cell, reply) {
    const tokens = cell.sent !== null && cell.received !== null ? cell.sent + cell.received : null;
    return [tokens !== null && (cell.estimated ? '≈ ' : '') + plural(tokens, 'token'), cell.seconds !== null && seconds(cell.seconds), cell.cached && 'cached',
      cell.requests > 1 && plural(cell.requests, 'request'), cell.attempts > Math.max(1, cell.requests) && plural(cell.attempts, 'attempt'),
      cell.truncated && (cell.received !== null ? `cut at ${plural(cell.received, 'token')}` : 'cut by the length limit')].filter(Boolean).join(' · ');
  }
  function answer(row, choice, texts, other) {
    const key = row + ' ' + choice, said = texts.output, whole = wholly.has(key), most = whole ? BEHIND_MORE : IN_A_CELL;
    if (!said) return texts.calls ? [h('div', {class: 'ans calls', dir: 'auto'}, cutTo(texts.calls, most))] : [h('div', {class: 'ans muted', dir: 'auto'}, cutTo(texts.reason || 'The reply holds no text.', most))];
    const part = said.slice(0, most), box = h('div', {class: 'ans' + (whole ? ' all' : ''), dir: 'auto'}, other ? markedWords(part, other.slice(0, 2 * BEHIND_MORE)) : part);
    const rest = whole && said.length > most && h('button', {class: 'more', onclick: event => open(row, choice, event.target)}, `show all ${size(said.length)}`);
    return [box, rest, texts.calls && h('div', {class: 'ans calls', dir: 'auto'}, cutTo(texts.calls, 300)),
      texts.reason && h('div', {class: 'why-c', dir: 'auto'}, cutTo(texts.reason, 300))];
  }
  function answerCell(row, choice, at) {
    const place = rows.cellAt(row, choice), column = rows.choices[choice];
    if (place < 0) return h('td', {role: 'cell', class: 'none'});
    const c = rows.caseOf(row), s = rows.sampleOf(row), k = rows.columnOf(row, choice), cell = page.cell(c, s, k), texts = paper ? page.textsHere(c, s, k) : page.textsNow(c, s, k);
    const flipped = KINDS.flips(row) && page.real[k] && !['flips', 'lost', 'won'].includes(address.state.show) ? ' flip ' + cell.word : '';
    const against = rows.choices.findIndex(one => one.slug === address.state.diff), compared = against >= 0 && against !== choice && rows.cellAt(row, against) >= 0;
    const other = compared && texts ? page.textsNow(c, s, rows.columnOf(row, against))?.output : '';
    const key = row + ' ' + choice, whole = wholly.has(key);
    const more = texts?.output && h('button', {class: 'more', hidden: !whole, 'aria-expanded': String(whole), onclick: () => {
      if (!wholly.delete(key)) wholly.add(key);
      redraw(at());
      render();
      drawn.get(at())?.querySelector(`[data-more="${choice}"]`)?.focus({preventScroll: true});
    }, 'data-more': choice}, whole ? 'less' : 'more');
    return h('td', {role: 'cell', class: 'c' + flipped}, h('div', {class: 'cell-h'}, h('span', {class: 'colname'}, named(column)),
      h('button', {class: 'open', 'data-choice': choice, 'aria-label': spoken(c, choice, cell.word, texts?.reason && cutTo(texts.reason, 200)), onclick: event => open(row, choice, event.currentTarget)}, verdict(cell.word)),
      texts?.extracted && h('span', {class: 'got' + (cell.word === 'fail' ? ' bad' : ''), dir: 'auto', title: 'what was compared'}, cutTo(texts.extracted, 80))),
    texts ? answer(row, choice, texts, other) : h('div', {class: 'ans muted'}),
    h('div', {class: 'meta'}, h('span', {}, meta(cell)), more));
  }
  function drawRow(at) {
    const row = list[at], c = rows.caseOf(row), s = rows.sampleOf(row), first = rows.choices.findIndex((_, choice) => rows.cellAt(row, choice) >= 0), k = rows.columnOf(row, first);
    const texts = paper ? page.textsHere(c, s, k) : page.textsNow(c, s, k), place = () => list.indexOf(row);
    const element = h('tr', {role: 'row', 'aria-rowindex': at + 2, class: at === now ? 'now' : '', 'data-waits': texts ? null : ''}, caseCell(row, texts), shown.map(choice => answerCell(row, choice, place)));
    if (!texts) page.texts(c, s, k).then(() => { if (drawn.get(at) === element) redraw(at); });
    return element;
  }

  // ── Which rows are drawn. ──
  function redraw(at) {
    const old = drawn.get(at);
    if (!old) return;
    const focus = old.contains(document.activeElement) ? document.activeElement.dataset.choice : undefined, fresh = drawRow(at);
    old.replaceWith(fresh);
    drawn.set(at, fresh);
    if (focus !== undefined) fresh.querySelector(`.open[data-choice="${focus}"]`)?.focus({preventScroll: true});
    schedule();
  }
  function schedule() { if (!frame) frame = requestAnimationFrame(() => { frame = 0; render(); }); }
  function geometry() {  // beyond TALLEST the table is scrolled faster than it passes by, so that its end can be reached
    const total = offset(list.length), real = Math.min(total, TALLEST), windowed = Math.min(innerHeight, real);
    const start = body.getBoundingClientRect().top, y = Math.min(Math.max(0, -start), real - windowed), ratio = real > windowed ? (total - windowed) / (real - windowed) : 1;
    return {total, real, y, virtual: y * ratio, start, folded: total > TALLEST};
  }
  function render() {
    if (paper || !list.length) return;
    for (let round = 0; round < 4; round++) {
      const {total, real, y, virtual, folded} = geometry(), room = innerHeight * NEAR;
      const from = placeAt(Math.max(0, virtual - room)), until = Math.min(list.length, Math.max(placeAt(virtual + innerHeight + room) + 1, from + 1), from + MOST_DRAWN);
      const anchor = [...drawn].find(([, element]) => element.getBoundingClientRect().bottom > 0), was = anchor?.[1].getBoundingClientRect().top;
      for (const [at, element] of drawn) if (at < from || at >= until) { element.remove(); drawn.delete(at); }
      let next = below;
      for (let at = until - 1; at >= from; at--) {
        let element = drawn.get(at);
        if (!element) { element = drawRow(at); drawn.set(at, element); body.insertBefore(element, next); }
        next = element;
      }
      const sizes = [...drawn].map(([at, element]) => [at, element, element.getBoundingClientRect().height]);
      const cut = [...body.querySelectorAll('.ans:not(.all, .seen)')].map(box => [box, box.scrollHeight > box.clientHeight + 2]);
      for (const [box, isCut] of cut) {
        box.classList.add('seen');
        const more = box.parentNode.querySelector('.more[data-more]');
        if (isCut) { box.classList.add('cut'); if (more) more.hidden = false; }
      }
      let moved = false;
      for (const [at, element, height] of sizes) if (!('waits' in element.dataset) || !heights.has(list[at])) { if (Math.abs((heights.get(list[at]) ?? guess) - height) > .5) moved = true; measured(at, height); }
      const top = Math.max(0, folded ? y - (virtual - offset(from)) : offset(from)), filled = sizes.reduce((sum, [, , height]) => sum + height, 0);
      space(above, top);
      space(below, Math.max(0, folded ? real - top - filled : offset(list.length) - offset(until)));
      if (anchor?.[1].isConnected && was !== undefined && -was < 4000 && !folded) {
        const by = anchor[1].getBoundingClientRect().top - was;
        if (Math.abs(by) > 1 && body.getBoundingClientRect().top < 0) scrollBy(0, by);
      }
      if (!moved && total === offset(list.length)) break;
    }
  }
  function space(element, pixels) {
    const shown = Math.round(pixels) + 'px';
    if (element.style.height !== shown) { element.style.height = shown; element.hidden = pixels < 1; }
  }
  function clear() {
    for (const element of drawn.values()) element.remove();
    drawn.clear();
    body.replaceChildren(above, below);
  }
  function fill() {  // after filters, columns or words to mark have changed
    clear();
    lay();
    $('k-table').setAttribute('aria-rowcount', String(list.length + 1));
    $('k-table').hidden = !list.length;
    if (paper) print(); else render();
  }

  // ── The head: each column's verdicts are filters themselves; the number says what would be left. ──
  function drawHead(chosen) {
    head.replaceChildren(h('tr', {role: 'row', 'aria-rowindex': 1},
      h('th', {scope: 'col', role: 'columnheader', class: 'c-case'}, h('b', {}, 'Case'), h('br'), h('small', {}, 'question and expected answer')),
      shown.map(choice => {
        const column = rows.choices[choice], mine = chosen.filter(pick => pick.choice === choice).flatMap(pick => pick.codes), order = ['pass', 'fail'];
        const words = page.words.map((word, code) => [word, code]).filter(([word, code]) => word && (counts[choice][code] || mine.includes(code)))
          .sort(([a], [b]) => (order.indexOf(a) + 9) % 9 - (order.indexOf(b) + 9) % 9);
        return h('th', {scope: 'col', role: 'columnheader'}, h('span', {class: 'col'}, named(column)),
          h('div', {class: 'facets', role: 'group', 'aria-label': 'Show only these of ' + column.label}, words.map(([word, code]) => h('button', {
            'aria-pressed': String(mine.includes(code)), 'aria-label': `${wordOf(word)}: ${counts[choice][code]}`, title: 'show only: ' + wordOf(word),
            class: 'v ' + word, 'data-facet': column.slug + ':' + word, onclick: () => toggle(column.slug + ':' + word)}, icon(word in ICONS ? word : 'unscored'), whole(counts[choice][code])))));
      })));
  }
  function toggle(facet) {
    const said = address.state.v.split(',').filter(Boolean), v = (said.includes(facet) ? said.filter(one => one !== facet) : [...said, facet]).join(',');
    controls.filter({v});
    head.querySelector(`[data-facet="${CSS.escape(facet)}"]`)?.focus({preventScroll: true});
  }
  function draw(selected) {
    list = selected.left;
    counts = selected.counts;
    const choices = shownChoices();
    if (choices.join() !== shown.join()) heights.clear();
    shown = choices;
    now = Math.min(now, Math.max(0, list.length - 1));
    drawHead(selected.chosen);
    fill();
  }

  // ── Moving over the rows, and opening a cell. ──
  function reveal(at) {
    if (!drawn.has(at)) {
      const {real, total, start} = geometry(), head = $('k-head').getBoundingClientRect().height + $('tools').getBoundingClientRect().height;
      scrollTo({top: scrollY + start + offset(at) * (total > TALLEST ? (real - innerHeight) / (total - innerHeight) : 1) - head - 8, behavior: 'instant'});
      render();
    }
    return drawn.get(at);
  }
  function focus(at, choice) {
    if (at < 0 || at >= list.length) return false;
    const element = reveal(at), buttons = [...element?.querySelectorAll('.open') || []], target = buttons.find(one => Number(one.dataset.choice) === choice) || buttons[0];
    if (!target) return false;
    drawn.get(now)?.classList.remove('now');
    now = at;
    element.classList.add('now');
    target.focus({preventScroll: true});
    element.scrollIntoView({block: 'nearest'});
    return true;
  }
  function near() {  // where j and k begin: the first row wholly in view, else where the reader was last
    const top = Math.max(0, head.querySelector('th').getBoundingClientRect().bottom) - 1;
    const seen = [...drawn].filter(([, element]) => { const at = element.getBoundingClientRect().top; return at >= top && at < innerHeight; });
    return seen.length ? Math.min(...seen.map(([at]) => at)) : now;
  }
  function open(row, choice, opener) { drawer.open(rows.caseOf(row), rows.sampleOf(row), rows.columnOf(row, choice), opener); }
  const place = (c, s, k) => list.indexOf(rows.of(c, s, k));
  function step(by) {
    const from = address.cellOf(address.state.open);
    if (!from) return false;
    const at = place(...from), choice = rows.way.of[from[2]];
    if (at < 0 || at + by < 0 || at + by >= list.length || rows.cellAt(list[at + by], choice) < 0) return false;
    drawer.open(rows.caseOf(list[at + by]), rows.sampleOf(list[at + by]), rows.columnOf(list[at + by], choice));
    return true;
  }
  function back(c, s, k) {  // where the focus goes when a cell is closed
    const at = place(c, s, k);
    if (at >= 0) focus(at, rows.way.of[k]);
  }

  // ── Paper: the rows that are left, at most MOST_PRINTED, all drawn. ──
  const MOST_PRINTED = 500;
  function print() {
    clear();
    const many = Math.min(MOST_PRINTED, list.length);
    for (let at = 0; at < many; at++) { const element = drawRow(at); drawn.set(at, element); body.insertBefore(element, below); }
    space(above, 0);
    space(below, 0);
  }
  addEventListener('beforeprint', () => {
    if (!list.length) return;
    paper = true;
    $('k-paper').textContent = list.length > MOST_PRINTED ? `Printed: the first ${whole(MOST_PRINTED)} of the ${plural(list.length, 'row')} that the filters leave.` : '';
    print();
  });
  addEventListener('afterprint', () => { if (paper) { paper = false; clear(); render(); } });
  addEventListener('scroll', schedule, {passive: true});
  body.addEventListener('focusin', event => {
    for (const [at, element] of drawn) if (element.contains(event.target)) { drawn.get(now)?.classList.remove('now'); now = at; element.classList.add('now'); }
  });
  return {draw, place, step, focus, near, back, shownChoices, get rows() { return list; }, get now() { return now; }};
})();
