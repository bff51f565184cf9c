// ── One answer, whole, in a drawer: as a conversation, as code that asks again, as it went over the wire; a thumb at the foot. ──
// drawer.open(case, sample, column, opener) and drawer.close(). Where the focus was is where it comes back to.
const drawer = (() => {
  const box = $('cell'), TABS = [['chat', 'Chat'], ['code', 'Code'], ['raw', 'Raw']], LANGUAGES = [['curl', 'curl'], ['python', 'Python'], ['javascript', 'JavaScript']];
  const FOLDED = 4096, EXTRA = 1000, READ = 60_000;  // characters: of a text before it is folded; that it must have more, to be worth it; of code
  let at = null, from = null, ticket = 0, next = '', language = 'curl', shown = null;
  const muted = (...said) => h('span', {class: 'muted'}, said);
  const turn = (who, said, ...notes) => h('div', {class: 'turn'}, h('b', {dir: 'auto'}, who), h('div', {class: 'said', dir: 'auto'}, said),
    notes.filter(Boolean).map(note => h('p', {class: 'note', dir: 'auto'}, note)));

  // ── Chat ──
  function marked(text, read) {  // the last place where each part stands that a scorer read
    const places = [...new Set(read)].filter(Boolean).map(part => [text.lastIndexOf(part), part.length]).filter(([start]) => start >= 0).sort((a, b) => a[0] - b[0]);
    const kids = [];
    let end = 0;
    for (const [start, length] of places) if (start >= end) { kids.push(text.slice(end, start), h('mark', {}, text.slice(start, start + length))); end = start + length; }
    return [...kids, text.slice(end)];
  }
  function words(text, read = []) {  // a text; a long one is folded, with a way to the rest
    if (text.length <= FOLDED + EXTRA) return marked(text, read);
    const kept = h('span', {}, marked(text.slice(0, FOLDED), read), '…'), all = h('button', {class: 'more', onclick: () => {
      kept.replaceChildren(...marked(text, read).filter(Boolean));
      all.remove();
      box.querySelector('.panel').focus({preventScroll: true});
    }}, `show all ${size(text.length)}`);
    return [kept, ' ', all];
  }
  const called = calls => (calls || []).map(([name, said]) => h('p', {class: 'calls', dir: 'auto'}, muted('calls '), h('b', {}, name), words(`(${said})`)));
  function image(part, pictures) {
    const label = [part.name, part.size, part.detail && 'detail ' + part.detail].filter(Boolean).join(', '), [type, base64] = pictures[part.picture] || [];
    if (!/^image\/(png|jpeg|gif|webp)$/.test(type || '')) return h('p', {class: 'muted', dir: 'auto'}, `[image ${label}]`);
    return h('figure', {class: 'shown'}, h('img', {src: `data:${type};base64,${base64}`, alt: label}), h('figcaption', {class: 'muted', dir: 'auto'}, label));
  }
  const message = ([who, parts, calls], pictures) => {
    const said = parts.map(part => typeof part !== 'string' ? image(part, pictures) : parts.length > 1 ? h('p', {dir: 'auto'}, words(part)) : words(part));
    return turn(who, parts.some(part => part !== '') || calls ? [said, called(calls)] : muted('(empty)'));
  };
  function figures(cell, detail) {
    const know = [cell.sent !== null && `${cell.estimated ? '≈ ' : ''}${whole(cell.sent)} tokens in` + (detail.cached ? ` (${whole(detail.cached)} cached by the vendor)` : ''),
      cell.received !== null && `${whole(cell.received)} out` + (detail.thought ? ` (${whole(detail.thought)} reasoning)` : ''), cell.seconds !== null && seconds(cell.seconds),
      detail.ttft !== undefined && `first token after ${seconds(detail.ttft)}`, detail.speed && speed(detail.speed),
      cell.cost ? '$' + cell.cost.toPrecision(3) : cell.cost === null && cell.sent !== null && 'cost unknown', cell.requests > 1 && plural(cell.requests, 'request'),
      cell.cached ? 'from the cache' : cell.attempts > 0 && plural(cell.attempts, 'attempt'), detail.queued && `waited ${seconds(detail.queued)} for quota`,
      detail.retried && `${seconds(detail.retried)} between attempts`, detail.finish && 'finish reason ' + detail.finish, detail.model && 'said by ' + detail.model];
    return know.filter(Boolean).join(' · ');
  }
  const tries = detail => detail.tries && h('ol', {class: 'tries'}, detail.tries.map(([result, took, status, why]) =>
    h('li', {dir: 'auto'}, [result, status, seconds(took), why].filter(Boolean).join(' · '))));
  function chat(cell, texts, shared) {
    const {detail} = texts, read = (detail.scores || []).map(score => score[5]), turns = [], tools = shared.tools[detail.tools];
    if (tools) turns.push(turn('tools', h('details', {}, h('summary', {}, plural(tools.length, 'tool')), tools.map(tool => h('p', {class: 'calls', dir: 'auto'}, tool)))));
    turns.push(...code.turnsOf(texts.talk).map(one => message(one, shared.pictures)));
    if (detail.reasoning) turns.push(turn('reasoning', h('details', {}, h('summary', {}, `show ${size(detail.reasoning.length)}`), words(detail.reasoning))));
    const error = detail.error, silent = texts.reason || (cell.word === 'pending' ? 'not asked yet' : 'The reply holds no text.');
    const who = error ? 'error' : detail.refusal ? 'refusal' : 'answer', status = error && [error.status && 'HTTP ' + error.status, error.code].filter(Boolean).join(', ');
    turns.push(turn(who, texts.output || detail.calls ? [texts.output && words(texts.output, read), called(detail.calls)] : muted(silent), status, figures(cell, detail), tries(detail)));
    (detail.choices || []).forEach(([said, calls, finish], n) => turns.push(turn(`answer ${n + 2}`, [said && words(said), called(calls)], finish && 'finish reason ' + finish)));
    if (texts.expected) turns.push(turn('expected', words(texts.expected)));
    if (texts.vars.length) turns.push(turn('variables', h('details', {}, h('summary', {}, plural(texts.vars.length, 'variable')),
      h('dl', {class: 'vars'}, texts.vars.map(([name, value]) => [h('dt', {dir: 'auto'}, name), h('dd', {dir: 'auto'}, words(value))])))));
    return turns;
  }

  // ── Code and Raw ──
  const ready = text => h('button', {class: 'btn copy', onclick: async event => {
    const button = event.currentTarget;
    try { await navigator.clipboard.writeText(text()); button.textContent = 'Copied'; }
    catch { getSelection().selectAllChildren(button.closest('.pre-h').nextElementSibling); button.textContent = 'Selected'; }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  }}, 'Copy');
  function block(text) {  // megabytes of a picture are for copying, not for reading
    if (text.length <= READ) return h('pre', {tabindex: 0, dir: 'ltr'}, text);
    const pre = h('pre', {tabindex: 0, dir: 'ltr'}, text.slice(0, READ), '…\n', h('button', {class: 'more', onclick: () => pre.replaceChildren(text)}, `show all ${size(text.length)}`));
    return pre;
  }
  const quoted = word => /^[\w.:@#%+=,/-]+$/.test(word) && !word.startsWith('#') ? word : `'${word.replaceAll("'", "'\\''")}'`;
  const command = form => `evalrun show ${quoted(page.run)} ${quoted(shown.cell.name)} --as ${form}`;
  const lack = (made, form) => h('p', {class: 'muted'}, made.long ? ['This request is too long for the page. In a terminal: ', h('code', {}, command(form))] : made.why[0].toUpperCase() + made.why.slice(1) + '.');
  function asCode(texts, shared) {
    const made = code.of(texts, shared);
    if (made.why || made.long) return lack(made, language);
    const many = page.cell(...at).requests > 1;
    const pick = (key, button) => { language = key; button.closest('.pre-h').nextElementSibling.replaceWith(block(made[key])); for (const one of button.parentNode.children) one.setAttribute('aria-pressed', String(one === button)); };
    const variable = made.python.match(/os\.environ\["([A-Za-z_]\w*)"\]/)?.[1];
    return [h('div', {class: 'pre-h'}, h('div', {class: 'seg', role: 'group', 'aria-label': 'Language'}, LANGUAGES.map(([key, name]) =>
      h('button', {'aria-pressed': String(key === language), onclick: event => pick(key, event.currentTarget)}, name))), ready(() => made[language])), block(made[language]),
    h('p', {class: 'note'}, many ? 'Sends the last request of this conversation again, with all that was said before it. ' : 'Sends the same body again. ',
      variable ? ['The key is read from ', h('code', {}, variable), '; it is not in this page.'] : 'It needs no key.')];
  }
  function raw(texts, shared) {
    const made = code.of(texts, shared), reply = texts.detail.reply, url = made.curl?.match(/^curl '(\S+)'/m)?.[1];
    const heading = (name, more, text) => h('div', {class: 'pre-h'}, h('h3', {}, name, more && [' ', h('code', {}, more)]), text && ready(() => text));
    const said = reply && code.indented(reply);
    return [heading('Request', url && 'POST ' + url, made.body), made.body ? block(made.body) : lack(made, 'raw'),
      heading('Reply', '', said), said ? block(said) : h('p', {class: 'muted', dir: 'auto'}, texts.detail.error ? texts.reason : 'Nothing of it was kept.')];
  }

  // ── What is the same in all three: scores above, the thumb below. ──
  function scoreTable(cell, {detail, reason}) {
    if (!detail.scores?.length) return h('p', {class: 'scores muted', dir: 'auto'}, detail.scores ? 'No scorer: every answer counts as passed.' : ['Not scored. ', reason]);
    const passed = one => one === null ? verdict('unscored') : verdict(one ? 'pass' : 'fail');
    return h('table', {class: 'scores'},
      h('thead', {}, h('tr', {}, ['Scorer', 'Result', 'Score', 'Weight', 'Reason'].map(name => h('th', {scope: 'col'}, name)))),
      h('tbody', {}, detail.scores.map(([name, value, result, weight, why, extracted]) => h('tr', {}, h('th', {scope: 'row'}, h('code', {dir: 'auto'}, name)), h('td', {}, passed(result)),
        h('td', {}, value === null ? '–' : value.toFixed(3)), h('td', {}, String(weight)),
        h('td', {dir: 'auto'}, why.slice(0, FOLDED), extracted && [why && h('br'), muted('compared: '), extracted.slice(0, 300), extracted.length > 300 && '…'])))),
      h('tfoot', {}, h('tr', {}, h('th', {scope: 'row'}, 'All'), h('td', {}, verdict(cell.word)), h('td', {}, cell.score === null ? '–' : cell.score.toFixed(3)), h('td'), h('td'))));
  }
  function foot() {
    const {cell, read} = shown, now = thumbs.of(cell, read), count = thumbs.count;
    const button = (verdict, name, key) => h('button', {class: 'btn thumb', 'data-k': 't-' + key, 'aria-pressed': String(now.verdict === verdict), 'aria-keyshortcuts': key, title: `${name} (${key})`,
      onclick: () => { thumbs.vote(cell, verdict, read); drawFoot('t-' + key); }}, icon(key === 'u' ? 't-up' : 't-down'), name);
    return h('div', {class: 'human', role: 'group', 'aria-label': 'Your verdict'}, button('pass', 'Right', 'u'), button('fail', 'Wrong', 'd'),
      h('input', {id: 'd-note', 'aria-label': 'Note', placeholder: now.verdict ? 'Note: why' : 'Note, after a thumb', disabled: !now.verdict, value: now.note,
        oninput: event => { thumbs.write(cell, event.target.value, read); drawCount(); }}),
      h('button', {class: 'btn', 'data-k': 'export', id: 'd-export', disabled: !count, onclick: () => thumbs.export()}, count ? `Export ${whole(count)}` : 'Export'),
      h('p', {class: 'note', id: 'd-human', hidden: !count}, thumbs.refused ? 'Kept until this page closes. ' : 'Kept in this browser. ', 'Have them count: ', h('code', {}, `evalrun score ${quoted(page.run)} --human FILE`)));
  }
  function drawCount() {
    const count = thumbs.count, button = $('d-export');
    button.disabled = !count;
    button.textContent = count ? `Export ${whole(count)}` : 'Export';
    $('d-human').hidden = !count;
  }
  function drawFoot(focus) {
    box.querySelector('.human').replaceWith(foot());
    box.querySelector(`[data-k="${focus}"]`)?.focus({preventScroll: true});
  }

  const tabNow = () => TABS.some(([key]) => key === address.state.tab) ? address.state.tab : 'chat';
  function drawPanel() {
    const {record, texts, shared} = shown, tab = tabNow(), panel = box.querySelector('.panel');
    for (const button of box.querySelectorAll('[role=tab]')) {
      const on = button.id === 'tab-' + tab;
      button.setAttribute('aria-selected', String(on));
      button.tabIndex = on ? 0 : -1;
    }
    panel.setAttribute('aria-labelledby', 'tab-' + tab);
    panel.replaceChildren(...[tab === 'code' ? asCode(texts, shared) : tab === 'raw' ? raw(texts, shared) : chat(record, texts, shared)].flat(9).filter(Boolean));
    panel.scrollTop = 0;
  }
  function pickTab(tab, focus) {
    address.set({tab: tab === 'chat' ? '' : tab});
    drawPanel();
    if (focus) $('tab-' + tab).focus({preventScroll: true});
  }
  async function open(c, s, k, opener, focus = next) {
    const record = page.cell(c, s, k), mine = ++ticket;
    if (!record) return;
    if (opener) from = opener;
    address.set({open: address.nameOf(c, s, k)});
    const [texts, shared] = await Promise.all([page.texts(c, s, k), page.shared()]);
    if (mine !== ticket) return;  // the next one was asked for meanwhile
    next = '';
    at = [c, s, k];
    const one = page.cases[c], column = page.columns[k], place = view.place(c, s, k);
    shown = {record, texts, shared, read: texts.detail.human, cell: {name: address.nameOf(c, s, k), case: one.id, column: column.label, sample: s, key: texts.detail.key}};
    const step = (by, name, label) => h('button', {class: 'btn quiet', 'data-k': name, 'aria-label': label, title: label, disabled: place < 0 || view.rows[place + by] === undefined, onclick: () => { next = name; if (!view.step(by)) next = ''; }}, icon(name));
    box.replaceChildren(
      h('div', {class: 'hd'}, h('div', {class: 'top'},
        h('h2', {id: 'd-h', tabindex: -1}, h('span', {dir: 'auto'}, one.id), one.tags.map(tag => h('span', {class: 'tag', dir: 'auto'}, page.tags[tag])), page.samples > 1 && h('span', {class: 'tag'}, 'sample ' + s)),
        place >= 0 && h('span', {class: 'muted nb'}, `${whole(place + 1)} of ${whole(view.rows.length)}`), step(-1, 'up', 'Previous case (k)'), step(1, 'down', 'Next case (j)'),
        h('button', {class: 'btn quiet', 'data-k': 'x', 'aria-label': 'Close (Esc)', title: 'Close (Esc)', onclick: () => box.close()}, icon('x'))),
      h('div', {class: 'switch', role: 'group', 'aria-label': 'Column'}, page.columns.map((other, j) => page.cell(c, s, j) && h('button', {'aria-pressed': String(j === k),
        onclick: () => open(c, s, j, null, 'column')}, h('span', {class: 'nm'}, mark(other), h('span', {dir: 'auto'}, other.label)), verdict(page.cell(c, s, j).word))))),
      h('div', {class: 'mid'}, scoreTable(record, texts), h('div', {class: 'tabs', role: 'tablist', 'aria-label': 'Ways to look at this answer'}, TABS.map(([key, name]) =>
        h('button', {role: 'tab', id: 'tab-' + key, 'aria-controls': 'd-panel', onclick: () => pickTab(key)}, name)))),
      h('div', {class: 'panel', id: 'd-panel', role: 'tabpanel', tabindex: 0}), page.sides ? '' : foot());
    drawPanel();
    if (!box.open) box.showModal();
    box.querySelector('.switch [aria-pressed=true]')?.scrollIntoView({block: 'nearest', inline: 'nearest'});
    const target = focus === 'column' ? box.querySelector('.switch [aria-pressed=true]') : focus && box.querySelector(`[data-k="${focus}"]:not([disabled])`);
    (target || $('d-h')).focus({preventScroll: true});
  }
  box.addEventListener('close', () => {
    ticket++;
    address.set({open: ''});
    if (from?.isConnected && !from.closest('.cmp')) from.focus(); else if (at) view.back(...at);
    from = null;
  });
  box.addEventListener('click', event => { if (event.target === box) box.close(); });
  box.addEventListener('keydown', event => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.target.matches('input')) return;
    const by = {ArrowLeft: -1, ArrowRight: 1}[event.key], move = {k: -1, j: 1}[event.key], tab = TABS['123'.indexOf(event.key)]?.[0];
    if (move) view.step(move);
    else if (tab) pickTab(tab, event.target.role === 'tab');
    else if (by && event.target.role === 'tab') pickTab(TABS[(TABS.findIndex(([key]) => key === tabNow()) + by + TABS.length) % TABS.length][0], true);
    else if (by && !event.target.matches('pre')) { let j = at[2] + by; while (page.columns[j] && !page.cell(at[0], at[1], j)) j += by; if (page.columns[j]) open(at[0], at[1], j, null, 'column'); }
    else if (event.key === 'u' || event.key === 'd') box.querySelector(`[data-k="t-${event.key}"]`)?.click();
    else return;
    event.preventDefault();
  });
  return {open, close: () => box.close()};
})();
