// ── Which rows the table has, and which of them the filters leave. All of it on arrays of numbers; only text is looked for in blocks. ──
// A row is a case × a sample × a context: what the columns of the table do not switch. It is one number, see rows.of.
const rows = (() => {
  let way, width, contexts, contextOf, columns, all, facts;

  function lay(key) {  // by models, prompts or parameters
    way = page.ways.find(one => one.key === key) || page.ways.find(one => one.choices.length > 1) || page.ways[0];
    width = way.choices.length;
    const others = page.ways.filter(one => one !== way), places = new Map();
    contexts = [];
    contextOf = page.columns.map((column, k) => {
      const name = others.map(one => one.of[k]).join(' ');
      if (!places.has(name)) { places.set(name, contexts.length); contexts.push(others.filter(one => one.choices.length > 1).map(one => one.choices[one.of[k]].label)); }
      return places.get(name);
    });
    columns = new Int32Array(contexts.length * width).fill(-1);
    page.columns.forEach((_, k) => { columns[contextOf[k] * width + way.of[k]] = k; });
    const there = new Uint8Array(page.cases.length * page.samples * contexts.length), {word} = page.numbers, plan = page.columns.length;
    for (let i = 0; i < word.length; i++) if (word[i]) there[Math.floor(i / plan) * contexts.length + contextOf[i % plan]] = 1;
    all = [];
    for (let row = 0; row < there.length; row++) if (there[row]) all.push(row);
    measure(there.length);
  }
  const cellAt = (row, choice) => {  // the place of a cell in the page's arrays; -1: there is none
    const k = columns[row % contexts.length * width + choice], i = Math.floor(row / contexts.length) * page.columns.length + k;
    return k >= 0 && page.numbers.word[i] ? i : -1;
  };
  function measure(count) {  // what sorting and the buttons look at, once
    facts = {flip: new Uint8Array(count), open: new Uint8Array(count), disagreement: new Float32Array(count), lowest: new Float32Array(count),
      slowest: new Float32Array(count), longest: new Uint32Array(count), costliest: new Float32Array(count)};
    const {word, score, time, received, cost} = page.numbers, pass = page.words.indexOf('pass'), fail = page.words.indexOf('fail');
    for (const row of all) {
      let passed = 0, failed = 0, low = 65536, high = -1;
      for (let choice = 0; choice < width; choice++) {
        const i = cellAt(row, choice);
        if (i < 0) continue;
        const real = page.real[i % page.columns.length], code = word[i];
        if (code === pass) passed += real; else if (code === fail) failed += real; else facts.open[row] = 1;
        if (score[i]) { low = Math.min(low, score[i]); if (real) high = Math.max(high, score[i]); }
        facts.slowest[row] = Math.max(facts.slowest[row], time[i]);
        facts.longest[row] = Math.max(facts.longest[row], received[i]);
        facts.costliest[row] = Math.max(facts.costliest[row], cost[i]);
      }
      facts.flip[row] = passed && failed ? 1 : 0;
      facts.disagreement[row] = 10 * Math.min(passed, failed) + Math.max(0, high - low) / 65536;
      facts.lowest[row] = 65536 - low;
    }
  }
  return {lay, cellAt, get way() { return way; }, get choices() { return way.choices; }, get all() { return all; }, get facts() { return facts; },
    of: (c, s, k) => (c * page.samples + s) * contexts.length + contextOf[k],
    caseOf: row => Math.floor(row / contexts.length / page.samples), sampleOf: row => Math.floor(row / contexts.length) % page.samples,
    contextOf: row => contexts[row % contexts.length], columnOf: (row, choice) => columns[row % contexts.length * width + choice]};
})();

// Which rows a button shows. Of two runs a flip has a direction: the first column is before, the second after.
const wordAt = (row, choice) => { const i = rows.cellAt(row, choice); return i < 0 ? '' : page.word(i); };
const KINDS = {all: () => true, flips: row => rows.facts.flip[row] === 1, unscored: row => rows.facts.open[row] === 1,
  lost: row => rows.facts.flip[row] === 1 && wordAt(row, 0) === 'pass', won: row => rows.facts.flip[row] === 1 && wordAt(row, 0) === 'fail'};
const SORTS = {plan: 'Suite order', disagreement: 'Disagreement', lowest: 'Lowest score', slowest: 'Slowest first', longest: 'Longest first', costliest: 'Costliest first'};

const filters = (() => {
  // The verdicts that are asked for: [column of the table, or -1 and a column of the plan, codes of words].
  function picks() {
    const found = new Map();
    for (const one of address.state.v.split(',')) {
      const [slug, word] = one.split(':'), code = page.words.indexOf(word), choice = rows.choices.findIndex(column => column.slug === slug);
      const k = choice < 0 ? page.columns.findIndex(column => column.slug === slug) : -1;
      if (code <= 0 || (choice < 0 && k < 0)) continue;
      found.set(slug, {choice, k, codes: [...(found.get(slug)?.codes || []), code]});
    }
    return [...found.values()];
  }
  function matches(row, {choice, k, codes}) {
    const i = choice >= 0 ? rows.cellAt(row, choice) : page.at(rows.caseOf(row), rows.sampleOf(row), k);
    return i >= 0 && codes.includes(page.numbers.word[i]);
  }
  // One walk over all rows: what is left, how many each verdict of each column would leave, and how many each button.
  function select() {
    const {show, tag, scorer, sort} = address.state, chosen = picks(), kinds = Object.keys(KINDS), width = rows.choices.length;
    const place = page.tags.indexOf(tag), by = page.scorers.indexOf(scorer), words = page.words.length, {word} = page.numbers;
    const left = [], counts = Array.from({length: width}, () => new Uint32Array(words)), buttons = Object.fromEntries(kinds.map(kind => [kind, 0]));
    for (const row of rows.all) {
      if (place >= 0 && !page.cases[rows.caseOf(row)].tags.includes(place)) continue;
      if (search.active && !search.found(row)) continue;
      if (by >= 0 && !failedBy(row, by)) continue;
      const missed = chosen.filter(pick => !matches(row, pick)), shown = KINDS[show](row);
      if (!missed.length) for (const kind of kinds) if (KINDS[kind](row)) buttons[kind]++;
      if (!shown || missed.length > 1) continue;
      if (!missed.length) left.push(row);
      if (!missed.length || missed[0].choice >= 0) {
        for (let choice = missed.length ? missed[0].choice : 0; choice < (missed.length ? missed[0].choice + 1 : width); choice++) {
          const i = rows.cellAt(row, choice);
          if (i >= 0) counts[choice][word[i]]++;
        }
      }
    }
    return {left: rows.facts[sort] ? sorted(left, rows.facts[sort]) : left, counts, buttons, chosen};
  }
  // Largest first, then in suite order. The bits of a float that is not negative go up as it does: with the row's place
  // below them they are one whole number of 53 bits, and arrays of numbers sort without being asked how.
  function sorted(left, facts) {
    const bits = new Uint32Array(Float32Array.from(left, row => facts[row]).buffer), keys = new Float64Array(left.length), most = 2 ** 21;
    if (left.length >= most) return left.sort((a, b) => facts[b] - facts[a] || a - b);
    bits.forEach((key, place) => { keys[place] = (2 ** 32 - 1 - key) * most + place; });
    keys.sort();
    return Array.from(keys, key => left[key % most]);
  }
  function failedBy(row, scorer) {
    for (let choice = 0; choice < rows.choices.length; choice++) { const i = rows.cellAt(row, choice); if (i >= 0 && page.failed(scorer, i)) return true; }
    return false;
  }
  function check() {  // a link is input too
    const {state, DEFAULTS} = address;
    if (!Object.hasOwn(KINDS, state.show)) state.show = DEFAULTS.show;
    if (!Object.hasOwn(SORTS, state.sort)) state.sort = DEFAULTS.sort;
    if (!page.tags.includes(state.tag)) state.tag = '';
    if (!page.scorers.includes(state.scorer)) state.scorer = '';
    if (!rows.choices.some(column => column.slug === state.diff)) state.diff = '';
  }
  return {select, check, picks};
})();

// ── Text: block after block off a timer, so that the page stays quick; what is found so far is shown meanwhile. ──
const search = (() => {
  const SLICE_MS = 40;
  let wanted = '', done = true, share = 1, turn = 0, cells, wholeCases, hitBlocks;
  const has = text => text.toLowerCase().includes(wanted);

  function look(c, line) {
    const [expected, vars, questions, found] = JSON.parse(line), {word} = page.numbers, asked = questions.map(has);
    if (has(expected) || vars.some(pair => has(pair[1]))) { wholeCases[c] = 1; return; }
    let next = 0;
    for (let i = page.at(c, 0, 0), end = page.at(c + 1, 0, 0); i < end; i++) {
      if (!word[i]) continue;
      const [output, reason, , question, calls] = found[next++];
      if (asked[question] || has(output) || has(reason) || has(calls)) cells[i] = 1;
    }
  }
  async function start(text, onProgress) {
    const mine = ++turn, before = wanted;
    wanted = text.toLowerCase();
    if (!wanted) { done = true; share = 1; return; }
    const narrower = done && before && hitBlocks && wanted.includes(before), blocks = narrower ? [...hitBlocks] : [...Array(page.blocks).keys()];
    cells = new Uint8Array(page.numbers.word.length);
    wholeCases = new Uint8Array(page.cases.length);
    page.cases.forEach(({id, tags}, c) => { if (has(id) || tags.some(tag => has(page.tags[tag]))) wholeCases[c] = 1; });
    done = false;
    share = 0;
    const hits = new Set(), escaped = JSON.stringify(wanted).slice(1, -1);
    let since = performance.now();
    for (let at = 0; at < blocks.length; at++) {
      const block = blocks[at], lines = await page.lines(block);
      if (mine !== turn) return;
      lines.forEach((line, place) => {  // the JSON text tells quickly whether it is worth reading
        if (line.toLowerCase().includes(escaped)) { hits.add(block); look(page.starts[block] + place, line); }
      });
      share = (at + 1) / blocks.length;
      if (performance.now() - since > SLICE_MS * (at < 20 ? 1 : 6) && at + 1 < blocks.length) {
        onProgress();
        await new Promise(resolve => setTimeout(resolve));
        if (mine !== turn) return;
        since = performance.now();
      }
    }
    hitBlocks = hits;
    done = true;
    onProgress();
  }
  function found(row) {
    if (wholeCases[rows.caseOf(row)]) return true;
    for (let choice = 0; choice < rows.choices.length; choice++) { const i = rows.cellAt(row, choice); if (i >= 0 && cells[i]) return true; }
    return false;
  }
  return {start, found, get active() { return wanted !== ''; }, get done() { return done; }, get share() { return share; }, get wanted() { return wanted; }};
})();
