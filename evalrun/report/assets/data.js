// ── The page's data: numbers of every cell at hand, texts inflated when they are looked at. ──
// One namespace, `page`. Cases, samples and columns are counted from 0; columns are the plan's, prompt × model × parameters.
//   page.ready                       a promise: the index is read. Nothing below but `columns` may be used before.
//   page.columns[k]                  {label, slug, mark, model, prompt, params, simulated, recorded, best}
//   page.ways                        how the table lays columns out: [{key: 'models' | 'prompts' | 'parameters', choices: [{label, slug, mark, …}], of: [choice of column k …]}]
//   page.samples, .tags, .scorers, .words, .run, .real[k] (takes part in flips), .pairs, .sides (two runs are compared), .of (cases of the run)
//   page.cases[c]                    {id, tags: [place in page.tags …]}
//   page.at(c, s, k)                 the place of a cell in the arrays
//   page.numbers                     typed arrays by name, as cell_numbers.py writes them: word score sent received time cost attempts requests flags
//   page.word(place)                 'pass', 'fail', 'error' …; '' where there is no such cell
//   page.cell(c, s, k)               null, or {word, score, sent, received, seconds, cost, attempts, requests, cached, truncated, estimated, streamed, calls}; null: unknown
//   page.failed(scorer, place)       whether a scorer (place in page.scorers) failed a cell; page.passed likewise
//   page.texts(c, s, k)              a promise of the cell's record, null where there is no such cell:
//       {output, reason, extracted, question, calls, talk, detail, expected, vars: [[name, value] …]}
//       output: the answer's or the refusal's text, '' for none. reason: why it failed, or the error. calls: its tool calls, one a line.
//       talk, detail: the conversation and what else only the drawer needs, as cell_detail.py has it.
//   page.shared()                    a promise of what the drawer shares: {codes, pictures, tools}, see cell_detail.py
//   page.textsNow(c, s, k)           the same at once where the block is at hand, else undefined; page.textsHere(c, s, k) waits for it
//   page.lines(block)                a promise of a block's lines, one JSON text a case, which is not kept; page.starts[block] is its first case
// Texts are as a document shows them already (safe_text.visible); they enter the page as text nodes only.
const page = (() => {
  const KEPT = 96;  // blocks whose texts stay at hand: about 15 MB
  const head = JSON.parse(document.getElementById('data').textContent), width = head.columns.length;
  const FIELDS = [['sent', 4], ['received', 4], ['time', 4], ['cost', 4], ['score', 2], ['word', 1], ['attempts', 1], ['requests', 1], ['flags', 1]];
  const VALUES = new Uint8Array(128);
  let symbols = 0;
  for (let code = 0x21; code < 0x7f; code++) if (!'<>&'.includes(String.fromCharCode(code))) VALUES[code] = symbols++;

  function decoded(text) {  // dense_text.py: two symbols are 13 bits, lowest first; an odd one at the end takes a byte away
    const odd = text.length & 1, bytes = new Uint8Array((((text.length - odd) / 2 * 13) >> 3) - odd);
    for (let at = 0, to = 0, rest = 0, bits = 0; at < text.length - odd; at += 2) {
      rest |= (VALUES[text.charCodeAt(at)] + 91 * VALUES[text.charCodeAt(at + 1)]) << bits;
      for (bits += 13; bits >= 8; bits -= 8, rest >>>= 8) if (to < bytes.length) bytes[to++] = rest;
    }
    return bytes;
  }
  const inflated = id => new Response(new Blob([decoded(document.getElementById(id).textContent)]).stream().pipeThrough(new DecompressionStream('deflate-raw')));

  const numbers = {}, cases = [], starts = [0];
  let failures = [], passes = [];
  for (const count of head.blocks) starts.push(starts.at(-1) + count);
  function readNumbers(raw) {
    const count = head.cases * head.samples * width, bits = Math.ceil(count / 8);
    let at = 0;
    for (const [name, size] of FIELDS) {
      const bytes = new Uint8Array(count * size);
      for (let plane = 0; plane < size; plane++, at += count) for (let i = 0; i < count; i++) bytes[i * size + plane] = raw[at + i];
      numbers[name] = name === 'cost' ? new Float32Array(bytes.buffer) : size === 4 ? new Uint32Array(bytes.buffer) : size === 2 ? new Uint16Array(bytes.buffer) : bytes;
    }
    const lines = head.scorers.flatMap(() => [0, 1]).map((_, line) => raw.slice(at + line * bits, at + (line + 1) * bits));
    failures = lines.filter((_, line) => line % 2 === 0);
    passes = lines.filter((_, line) => line % 2);
  }
  async function read() {
    const [raw, said] = await Promise.all([inflated('data-numbers').arrayBuffer(), inflated('data-cases').json()]);
    readNumbers(new Uint8Array(raw));
    said.ids.forEach((id, c) => cases.push({id, tags: said.tags[c]}));
  }

  const at = (c, s, k) => (c * head.samples + s) * width + k;
  const word = place => head.words[numbers.word[place]];
  const known = figure => figure ? figure - 1 : null;
  function cell(c, s, k) {
    const i = at(c, s, k), flags = numbers.flags[i];
    if (!numbers.word[i]) return null;
    const seconds = known(numbers.time[i]), score = known(numbers.score[i]);
    return {word: word(i), score: score === null ? null : score / 65534, sent: known(numbers.sent[i]), received: known(numbers.received[i]),
      seconds: seconds === null ? null : seconds / 1e4, cost: numbers.cost[i] < 0 ? null : numbers.cost[i], attempts: numbers.attempts[i], requests: numbers.requests[i],
      cached: !!(flags & 1), truncated: !!(flags & 2), estimated: !!(flags & 4), streamed: !!(flags & 8), calls: !!(flags & 16)};
  }

  function blockOf(c) {  // the last block that begins at or before the case
    let low = 0, high = head.blocks.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (starts[middle] <= c) low = middle; else high = middle - 1; }
    return low;
  }
  const lines = async block => (await inflated('block-' + block).text()).split('\n');
  const kept = new Map(), coming = new Map();  // block -> its lines, each JSON text until it is looked at; the longest unused goes first
  function load(block) {
    if (!coming.has(block)) coming.set(block, lines(block).then(found => {
      coming.delete(block);
      kept.set(block, found);
      for (const oldest of kept.keys()) { if (kept.size <= KEPT) break; kept.delete(oldest); }
    }));
    return coming.get(block);
  }
  function textsNow(c, s, k) {
    if (!numbers.word[at(c, s, k)]) return null;
    const block = blockOf(c), found = kept.get(block);
    if (!found) return undefined;
    kept.delete(block);
    kept.set(block, found);
    const place = c - starts[block];
    if (typeof found[place] === 'string') found[place] = JSON.parse(found[place]);
    const [expected, vars, questions, cells, talks, shared] = found[place];
    let before = 0;
    for (let i = at(c, 0, 0), here = at(c, s, k); i < here; i++) if (numbers.word[i]) before++;
    const [output, reason, extracted, question, calls, talk, detail] = cells[before];
    return {output, reason, extracted, question: questions[question], calls, talk: talks[talk], detail: {...shared, ...detail}, expected, vars};
  }
  function textsHere(c, s, k) {
    const block = blockOf(c);
    if (!kept.has(block)) kept.set(block, new TextDecoder().decode(inflate(decoded(document.getElementById('block-' + block).textContent))).split('\n'));
    return textsNow(c, s, k);
  }
  async function texts(c, s, k) {
    let found = textsNow(c, s, k);
    while (found === undefined) { await load(blockOf(c)); found = textsNow(c, s, k); }
    return found;
  }
  let sharing = null;
  const shared = () => sharing ??= inflated('data-shared').json();
  const bit = (line, place) => line[place >> 3] >> (place & 7) & 1;
  return {ready: read(), columns: head.columns, ways: head.by, samples: head.samples, tags: head.tags, scorers: head.scorers, words: head.words, run: head.run,
    real: head.real, pairs: head.pairs, sides: !!head.sides, of: head.of, blocks: head.blocks.length, starts, cases, at, numbers, word, cell,
    failed: (scorer, place) => bit(failures[scorer], place), passed: (scorer, place) => bit(passes[scorer], place), texts, textsNow, textsHere, lines, shared};
})();
