// ── The view lives in the address: a link shows what its sender saw. Defaults are left out, bad values fall back in silence. ──
// address.state holds the keys; address.set({key: value}) writes some of them, as a new entry of the history unless told to replace.
// Columns are told by slug, never by position: v=6b-finetuning:fail,6b-verification:pass and open=case:column, open=case:column#sample.
const address = (() => {
  const DEFAULTS = {q: '', show: 'all', tag: '', v: '', scorer: '', sort: 'plan', by: '', diff: '', hide: '', open: '', tab: ''};
  const state = {...DEFAULTS};
  const here = () => {
    const said = new URLSearchParams(Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key] && !(key === 'tab' && !state.open)));
    return said.size ? '#' + said.toString().replaceAll('%3A', ':').replaceAll('%2C', ',') : location.pathname + location.search;
  };
  function read() {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const key in DEFAULTS) state[key] = said.get(key) ?? DEFAULTS[key];
  }
  function set(change, replace = Object.keys(change).every(key => key === 'open' || key === 'tab')) {
    const before = here();
    Object.assign(state, change);
    if (here() !== before) history[replace ? 'replaceState' : 'pushState'](null, '', here());
  }
  // What is said of a cell: its case, told apart from others of the same id by a number, its column, and its sample where there are several.
  const alike = new Map(), ordinal = [];
  function readCases() {
    page.cases.forEach(({id}, c) => { const same = alike.get(id) || []; ordinal[c] = same.push(c); alike.set(id, same); });
  }
  const nameOf = (c, s, k) => `${page.cases[c].id}${ordinal[c] > 1 ? '@' + ordinal[c] : ''}:${page.columns[k].slug}${page.samples > 1 ? '#' + s : ''}`;
  function cellOf(name) {
    const parts = name.match(/^([^]*):([^:#]+)(?:#(\d+))?$/);
    if (!parts) return null;
    const again = parts[1].match(/^([^]*)@(\d+)$/), same = alike.get(parts[1]) || (again && alike.get(again[1])?.slice(again[2] - 1));
    const c = same?.[0], s = Number(parts[3] || 0), k = page.columns.findIndex(column => column.slug === parts[2]);
    return c !== undefined && s < page.samples && k >= 0 && page.cell(c, s, k) ? [c, s, k] : null;
  }
  return {state, DEFAULTS, read, set, readCases, nameOf, cellOf};
})();
