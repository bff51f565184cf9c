// ── Controls, keys, and the first drawing. ──
const TAGSET = [...new Set(D.cases.flatMap(one => one[TAGS]))].map(text).sort();
const choice = (id, label, options) => h('label', {for: id}, label,
  h('select', {id, onchange: event => filter({[id]: event.target.value})}, options.map(([value, name]) => h('option', {value}, name))));
let typing = 0;
const FLIPS = MODELS[0]?.side ? [['flips', 'Flips'], ['lost', 'Pass → fail'], ['won', 'Fail → pass']] : MODELS.length > 1 ? [['flips', 'Flips']] : [];
const SHOW = [['all', 'All'], ...FLIPS, ['open', 'Not scored']];

function columnsMenu() {
  if (MODELS.length < 3) return '';
  const boxes = MODELS.map((model, k) => h('label', {}, h('input', {type: 'checkbox', checked: shownModels().includes(k), onchange: () => {
    const hide = MODELS.filter((_, j) => !inputs[j].checked).map(one => one.label);
    if (hide.length < MODELS.length) filter({hide}); else inputs[k].checked = true; }}), mark(k), model.label));
  const inputs = boxes.map(box => box.querySelector('input'));
  return h('details', {class: 'pop'}, h('summary', {class: 'btn'}, h('span', {id: 'models-n'}, 'Models'), icon('down')), h('div', {role: 'group', 'aria-label': 'Models shown'}, boxes));
}

readAddress();
$('tools').append(
  h('input', {type: 'search', id: 'q', placeholder: 'Search text or id', 'aria-label': 'Search questions, answers and ids',
    oninput: event => { clearTimeout(typing); typing = setTimeout(() => filter({q: event.target.value}), N > 2000 ? 200 : 0); }}),
  h('div', {class: 'seg', role: 'group', 'aria-label': 'Which cases'}, SHOW.map(([key, name]) =>
    h('button', {'data-show': key, 'aria-pressed': 'false', onclick: () => filter({show: key})}, name, h('small')))),
  TAGSET.length ? choice('tag', 'Tag', [['', 'any'], ...TAGSET.map(tag => [tag, tag])]) : '',
  choice('sort', 'Sort', [['plan', MODELS[0]?.side ? 'Flips first' : 'Plan order'], ...(MODELS.length > 1 ? [['disagreement', 'Disagreement']] : []), ['lowest', 'Lowest score']]),
  columnsMenu());
$('more-b').addEventListener('click', () => { const first = drawn; drawMore(); document.querySelector(`tr[data-at="${first}"] .open`)?.focus(); });
$('clear-b').addEventListener('click', () => { filter({q: '', show: 'all', tag: '', v: []}); $('q').focus(); });
$('theme-b').addEventListener('click', () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
});

// j and k go from case to case, arrows from model to model, / to the search; never while a field has the focus.
document.addEventListener('keydown', event => {
  if (event.target.matches('input, select') || drawer.open || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === '/') { $('q').focus(); event.preventDefault(); return; }
  const move = {j: 1, k: -1}[event.key], by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  const here = document.activeElement.closest('.cmp tbody tr'), button = document.activeElement.closest('.open');
  if (!move && !(by && button)) return;
  const rows = [...$('k-body').rows], row = by ? here : rows[here ? rows.indexOf(here) + move : 0];
  if (!row) return;
  const buttons = [...row.querySelectorAll('.open')];
  const next = by ? buttons[buttons.indexOf(button) + by] : buttons.find(one => one.dataset.model === button?.dataset.model) || buttons[0];
  next?.focus({preventScroll: true});
  next?.closest('tr').scrollIntoView({block: 'nearest'});
  event.preventDefault();
});
document.addEventListener('focusin', event => {
  const row = event.target.closest('.cmp tbody tr');
  if (row) for (const other of $('k-body').rows) other.classList.toggle('now', other === row);
});
new ResizeObserver(([entry]) => document.documentElement.style.setProperty('--tools-h', entry.target.offsetHeight + 'px')).observe($('tools'));

function openFromAddress() {
  const colon = view.open.indexOf(':'), row = Number(view.open.slice(0, colon)), model = MODELS.findIndex(m => m.label === view.open.slice(colon + 1));
  if (colon > 0 && Number.isInteger(row) && row >= 0 && row < N && model >= 0) openAnswer(row, model);
}
addEventListener('hashchange', () => { readAddress(); filter({}); if (view.open) openFromAddress(); else if (drawer.open) drawer.close(); });
const opened = view.open;
filter({});
view.open = opened;
openFromAddress();
