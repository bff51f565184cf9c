// ── Controls, keys, and the first drawing. ──
const controls = (() => {
  const TYPED_MS = 120;
  let typing = 0, wordsSought = '';
  const choice = (id, label, options, change) => h('label', {for: id}, label, h('select', {id, onchange: event => (change || filter)({[id]: event.target.value})},
    options.map(([value, name]) => h('option', {value}, name))));
  const noun = () => page.sides ? 'cell' : page.samples === 1 && rows.all.length === page.cases.length ? 'case' : 'row';

  function filter(change, replace) {
    address.set(change, replace);
    if (change.by !== undefined) layOut();
    filters.check();
    for (const key of ['q', 'tag', 'scorer', 'sort', 'diff', 'by']) if ($(key) && $(key).value !== address.state[key] && (key !== 'q' || $(key) !== document.activeElement)) $(key).value = address.state[key] || (key === 'by' ? rows.way.key : '');
    if (address.state.q !== wordsSought) { wordsSought = address.state.q; search.start(wordsSought, draw); if (wordsSought) return draw(); }
    draw();
  }
  function draw() {
    const selected = filters.select(), {left, buttons} = selected, all = rows.all.length, word = noun();
    view.draw(selected);
    const part = left.length === all ? plural(all, word) : `${whole(left.length)} of ${plural(all, word)}`;
    $('count').textContent = search.active && !search.done ? `${whole(left.length)} of ${plural(all, word)} so far, ${Math.floor(100 * search.share)} % searched` : part;
    if (!search.active || search.done) $('say').textContent = plural(left.length, word) + ' shown';
    $('k-none').hidden = left.length > 0 || (search.active && !search.done);
    for (const button of document.querySelectorAll('[data-show]')) {
      button.setAttribute('aria-pressed', String(button.dataset.show === address.state.show));
      button.querySelector('small').textContent = whole(buttons[button.dataset.show]);
    }
    for (const button of document.querySelectorAll('[data-filter]')) {
      const said = new URLSearchParams(button.dataset.filter);
      if (button.tagName === 'BUTTON') button.setAttribute('aria-pressed', String([...said].every(([key, value]) => address.state[key] === value)));
    }
    const count = view.shownChoices().length;
    if ($('columns-n')) $('columns-n').textContent = count < rows.choices.length ? `Columns: ${count} of ${rows.choices.length}` : 'Columns';
    chips(selected.chosen);
  }
  function chips(chosen) {  // verdicts that are asked for, each a way to be rid of it
    $('chips').replaceChildren(...chosen.flatMap(({choice, k, codes}) => codes.map(code => {
      const column = choice >= 0 ? rows.choices[choice] : page.columns[k], facet = column.slug + ':' + page.words[code];
      return h('button', {class: 'chip', title: 'Remove this filter', 'data-chip': facet, onclick: () => {
        filter({v: address.state.v.split(',').filter(one => one !== facet).join(',')});
        ($('chips').firstElementChild || document.querySelector('[data-show][aria-pressed=true]')).focus(); }},
        h('span', {dir: 'auto'}, column.label), ': ' + wordOf(page.words[code]), icon('x'));
    })));
  }
  function clear() {
    filter({q: '', show: 'all', tag: '', scorer: '', v: ''});
    $('q').value = '';
    $('q').focus();
  }
  function columnsMenu() {
    const boxes = rows.choices.map((column, at) => h('label', {}, h('input', {type: 'checkbox', checked: view.shownChoices().includes(at), onchange: () => {
      const hide = rows.choices.filter((_, j) => !inputs[j].checked).map(one => one.slug);
      if (hide.length < rows.choices.length) filter({hide: hide.join(',') || (rows.choices.length > view.shownChoices().length ? '-' : '')}); else inputs[at].checked = true; }}), mark(column), h('span', {dir: 'auto'}, column.label)));
    const inputs = boxes.map(box => box.querySelector('input'));
    return h('details', {class: 'pop'}, h('summary', {class: 'btn'}, h('span', {id: 'columns-n'}, 'Columns'), icon('down')), h('div', {role: 'group', 'aria-label': 'Columns shown'}, boxes));
  }
  function layOut() {  // the controls of this way to lay columns out
    rows.lay(address.state.by);
    const sides = page.sides, several = rows.choices.length > 1, ways = page.ways.filter(one => one.choices.length > 1), tags = [...page.tags].sort();
    const flips = sides ? [['flips', 'Flips'], ['lost', 'Pass → fail'], ['won', 'Fail → pass']] : several ? [['flips', 'Flips']] : [];
    const sorts = Object.entries(SORTS).filter(([key]) => several || key !== 'disagreement').map(([key, name]) => [key, sides && key === 'plan' ? 'Flips first' : name]);
    $('tools').replaceChildren(...[
      h('input', {type: 'search', id: 'q', placeholder: 'Search text or id', 'aria-label': 'Search questions, answers and ids', value: address.state.q, oninput: event => {
        clearTimeout(typing);
        typing = setTimeout(() => filter({q: event.target.value.trim()}, true), page.blocks > 4 ? TYPED_MS : 0); }}),
      h('div', {class: 'seg', role: 'group', 'aria-label': 'Which cases'}, [['all', 'All'], ...flips, ['unscored', 'Not scored']].map(([key, name]) =>
        h('button', {'data-show': key, 'aria-pressed': 'false', onclick: () => filter({show: key})}, name, h('small')))),
      ways.length > 1 && choice('by', 'Compare', ways.map(one => [one.key, one.key]), change => filter({...change, v: '', hide: '', diff: ''})),
      tags.length > 0 && choice('tag', 'Tag', [['', 'any'], ...tags.map(tag => [tag, tag])]),
      page.scorers.length > 1 && choice('scorer', 'Failed by', [['', 'any'], ...page.scorers.map(name => [name, name])]),
      choice('sort', 'Sort', sorts),
      several && choice('diff', 'Mark words not in', [['', 'off'], ...rows.choices.map(column => [column.slug, column.label])]),
      several && columnsMenu(), h('span', {id: 'chips'})].filter(Boolean));
    if ($('by')) $('by').value = rows.way.key;
  }
  return {filter, draw, clear, layOut};
})();

$('clear-b').addEventListener('click', controls.clear);
$('keys-b').addEventListener('click', () => $('keys').showModal());
$('keys-x').addEventListener('click', () => $('keys').close());
$('theme-b').addEventListener('click', () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
});
// Anything on the page may filter the cases: data-filter holds what the address would say.
document.addEventListener('click', event => {
  const button = event.target.closest('[data-filter]');
  if (!button) return;
  const said = Object.fromEntries(new URLSearchParams(button.dataset.filter)), on = Object.entries(said).every(([key, value]) => address.state[key] === value);
  controls.filter({q: '', show: 'all', tag: '', scorer: '', v: '', ...(on ? {} : said)});
  if (!on) $('cases').scrollIntoView();
});

// j and k go from case to case, arrows from column to column, / to the search, ? to this list; never while a field has the focus.
document.addEventListener('keydown', event => {
  const field = event.target.matches('input, select, textarea'), dialog = document.querySelector('dialog[open]');
  if (field && event.key === 'Escape' && !dialog) event.target.blur();
  if (field || dialog || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === '/') { $('q').focus(); $('q').select(); event.preventDefault(); return; }
  if (event.key === '?') { $('keys').showModal(); event.preventDefault(); return; }
  const move = {j: 1, k: -1}[event.key], by = {ArrowLeft: -1, ArrowRight: 1}[event.key], button = document.activeElement.closest('.cmp .open');
  if (move) view.focus(document.activeElement.closest('.cmp tbody') ? view.now + move : view.near(), Number(button?.dataset.choice ?? 0));
  else if (by && button) {
    const buttons = [...button.closest('tr').querySelectorAll('.open')];
    buttons[buttons.indexOf(button) + by]?.focus({preventScroll: true});
  } else return;
  event.preventDefault();
});
new ResizeObserver(([entry]) => document.documentElement.style.setProperty('--tools-h', entry.target.offsetHeight + 'px')).observe($('tools'));

page.ready.then(() => {
  let width = innerWidth;
  const show = () => { const cell = address.cellOf(address.state.open); if (cell) drawer.open(...cell); else if ($('cell').open) drawer.close(); };
  address.readCases();
  address.read();
  controls.layOut();
  controls.filter({});
  show();
  addEventListener('hashchange', () => {
    const {by} = address.state;
    address.read();
    if (address.state.by !== by) controls.layOut();
    $('q').value = address.state.q;
    controls.filter({});
    show();
  });
  addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; controls.draw(); } });
  document.documentElement.dataset.ready = '';
}).catch(error => { $('k-none').hidden = false; $('k-none').textContent = `This browser cannot read the data of the page (${error.message}); results.csv holds the same.`; });
