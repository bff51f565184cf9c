// ── The code that sends a cell's request again. It is composed by snippets.py; here a cell's own texts are filled in. ──
// code.of(texts, shared): {curl, python, javascript, body, about}, or {why}, or {long: true} where a page has no room for it.
const code = (() => {
  const MARK = /\ue000(p?)(\d+)\ue001/g;
  // What safe_text.FOR_TERMINALS holds, as long as JSON.stringify leaves it: what a terminal or a reader could be led astray by.
  const ACTS = /[\x7f-\x9f\u2028\u2029\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/gu;
  const CI = /#(?=#(?:vso|teamcity)?\[)/gi;
  const unit = number => '\\u' + number.toString(16).padStart(4, '0');
  const inJson = one => [...Array(one.length).keys()].map(at => unit(one.charCodeAt(at))).join('');
  const inPython = one => one.length > 1 ? '\\U' + one.codePointAt(0).toString(16).padStart(8, '0') : unit(one.charCodeAt(0));

  function escaped(text, escapes) {  // a text between the quotation marks of a string: snippets.escaped
    const written = JSON.stringify(text).slice(1, -1).replace(ACTS, escapes === 'python' ? inPython : inJson).replace(CI, '\\u0023');
    return escapes === 'raw' ? written.replaceAll('`', '\\u0060').replaceAll('${', '\\u0024{') : written;
  }
  const turnsOf = talk => typeof talk.at(-1) === 'string' ? talk.slice(0, -1) : talk;
  const textsOf = talk => typeof talk.at(-1) === 'string' ? JSON.parse(talk.at(-1)) : talk.flatMap(([, parts]) => parts.filter(part => typeof part === 'string'));

  function of({detail, talk}, shared) {
    const said = detail.code;
    if (said === undefined) return {why: 'the code is in the report of each run'};
    if (said.why !== undefined || said.long) return said;
    const inline = Array.isArray(said), [curl, python, javascript, escapes, body, about] = inline ? said : shared.codes[said];
    if (inline) return {curl, python, javascript, body, about};
    const texts = textsOf(talk), pictures = [...new Set(turnsOf(talk).flatMap(([, parts]) => parts.map(part => part.picture).filter(place => place !== undefined)))];
    const filled = (one, how) => one.replace(MARK, (_, picture, number) => picture ? shared.pictures[pictures[number]][1] : escaped(texts[number], how));
    return {curl: filled(curl, 'json'), python: filled(python, 'python'), javascript: filled(javascript, escapes), body: filled(body, 'json'), about};
  }

  function indented(text) {  // JSON over several lines, every token as it was written; what is no JSON stays as it is
    try { JSON.parse(text); } catch { return text; }
    let depth = 0;
    return text.replace(/"(?:[^"\\]|\\.)*"|[\[{]\s*[\]}]|[\[\]{},:]|[^\s"\[\]{},:]+|\s+/g, token => {
      if (/^\s/.test(token)) return '';
      if (/^[\[{]\s*[\]}]$/.test(token)) return token[0] + token.at(-1);
      if (token === '[' || token === '{') return token + '\n' + '  '.repeat(++depth);
      if (token === ']' || token === '}') return '\n' + '  '.repeat(--depth) + token;
      return token === ',' ? ',\n' + '  '.repeat(depth) : token === ':' ? ': ' : token;
    });
  }
  return {of, escaped, indented, turnsOf};
})();
