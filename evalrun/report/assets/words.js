// ── Words of one answer that another one does not have, by their longest common subsequence. ──
// Text is taken apart at white space; scripts without spaces, sign by sign.
const WORDS = /\s+|[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+/gu;
const MOST_WORDS = 900;  // of each side; more would take longer than a glance is worth

function markedWords(text, other) {  // text nodes, and <ins> around what `other` lacks
  const mine = (text.match(WORDS) || []).slice(0, 2 * MOST_WORDS), theirs = (other.match(WORDS) || []).filter(word => word.trim()).slice(0, MOST_WORDS);
  const words = mine.filter(word => word.trim()), kept = common(words, theirs), out = [];
  let word = 0, run = '', marked = false;
  const flush = () => { if (run) out.push(marked ? h('ins', {}, run) : run); run = ''; };
  mine.forEach((piece, at) => {
    if (!piece.trim()) {  // the space between two marked words is marked with them
      const between = marked && at + 1 < mine.length && word < words.length && !kept[word];
      if (!between && marked) { flush(); marked = false; }
      run += piece;
      return;
    }
    const isNew = !kept[word++];
    if (isNew !== marked) { flush(); marked = isNew; }
    run += piece;
  });
  flush();
  const rest = text.slice(mine.join('').length);
  return rest ? [...out, rest] : out;
}
function common(a, b) {  // which of the words of a are in the longest common subsequence
  const kept = new Uint8Array(a.length);
  let start = 0, endA = a.length, endB = b.length;
  while (start < endA && start < endB && a[start] === b[start]) kept[start++] = 1;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) { kept[--endA] = 1; endB--; }
  const n = endA - start, m = endB - start, table = new Uint16Array((n + 1) * (m + 1));
  for (let i = n; i--;) for (let j = m; j--;) {
    table[i * (m + 1) + j] = a[start + i] === b[start + j] ? table[(i + 1) * (m + 1) + j + 1] + 1 : Math.max(table[(i + 1) * (m + 1) + j], table[i * (m + 1) + j + 1]);
  }
  for (let i = 0, j = 0; i < n && j < m;) {
    if (a[start + i] === b[start + j]) { kept[start + i] = 1; i++; j++; }
    else if (table[(i + 1) * (m + 1) + j] >= table[i * (m + 1) + j + 1]) i++; else j++;
  }
  return kept;
}
