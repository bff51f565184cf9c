// ── What a person says of answers: kept in the browser under the run, exported as JSON lines for `evalrun score RUN --human FILE`. ──
// thumbs.of(cell, read): {verdict: 'pass' | 'fail' | null, note}; *read* is [passed, note] as the run had it already, or undefined.
// thumbs.vote(cell, verdict, read) gives a thumb, or takes it back where it is given; thumbs.write(cell, note, read) changes its note.
// A cell is {name, case, column, sample, key}.
const thumbs = (() => {
  const PLACE = `evalrun:${page.run}:human`;
  let held = {}, refused = false;

  function load() {  // another window may have changed it
    if (refused) return;
    try { held = JSON.parse(localStorage.getItem(PLACE) || '{}'); } catch { refused = true; }
    if (typeof held !== 'object' || held === null || Array.isArray(held)) held = {};
  }
  function save() {
    try { if (!refused) localStorage.setItem(PLACE, JSON.stringify(held)); } catch { refused = true; }  // kept until the page closes
  }
  const before = read => read ? {verdict: read[0] ? 'pass' : 'fail', note: read[1]} : {verdict: null, note: ''};
  const of = ({name}, read) => Object.hasOwn(held, name) ? {verdict: held[name].verdict, note: held[name].note} : before(read);

  function put({name, ...cell}, said, read) {
    load();
    const same = before(read);
    if (said.verdict === same.verdict && said.note === same.note) delete held[name];
    else held[name] = {...cell, ...said};
    save();
  }
  function vote(cell, verdict, read) {
    const now = of(cell, read), taken = now.verdict === verdict;
    put(cell, {verdict: taken ? null : verdict, note: taken ? '' : now.note}, read);
  }
  const write = (cell, note, read) => put(cell, {verdict: of(cell, read).verdict, note}, read);
  const lines = () => Object.values(held).map(({case: id, column, sample, key, verdict, note}) =>
    JSON.stringify({run: page.run, case: id, column, sample, key, verdict, note}) + '\n').join('');

  function download() {
    const link = h('a', {href: URL.createObjectURL(new Blob([lines()], {type: 'application/jsonl'})), download: `${page.run || 'run'}.human.jsonl`});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  load();
  return {of, vote, write, export: download, lines, get count() { return Object.keys(held).length; }, get refused() { return refused; }};
})();
