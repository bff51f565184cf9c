// ── Deflate, read at once: what is printed cannot wait for a stream. RFC 1951. ──
const inflate = (() => {
  const LENGTHS = [], DISTANCES = [];  // [smallest, extra bits] of each code
  for (let code = 0, base = 3; code < 28; code++) { const extra = code < 8 ? 0 : (code >> 2) - 1; LENGTHS.push([base, extra]); base += 1 << extra; }
  LENGTHS.push([258, 0]);
  for (let code = 0, base = 1; code < 30; code++) { const extra = code < 4 ? 0 : (code >> 1) - 1; DISTANCES.push([base, extra]); base += 1 << extra; }
  const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

  function tree(lengths) {  // how many codes have each length, and the symbols in the order of their codes
    const counts = new Uint16Array(16), starts = new Uint16Array(16), symbols = new Uint16Array(lengths.length);
    for (const length of lengths) counts[length]++;
    counts[0] = 0;
    for (let length = 1; length < 16; length++) starts[length] = starts[length - 1] + counts[length - 1];
    lengths.forEach((length, symbol) => { if (length) symbols[starts[length]++] = symbol; });
    return {counts, symbols};
  }
  const plain = [tree([...Array(288).keys()].map(n => n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8)), tree(Array(30).fill(5))];

  return function inflate(bytes) {
    let out = new Uint8Array(bytes.length * 6 + 1024), to = 0, at = 0, hold = 0, held = 0, last = 0;
    function bits(count) {
      while (held < count) { hold |= bytes[at++] << held; held += 8; }
      const value = hold & (1 << count) - 1;
      hold >>>= count;
      held -= count;
      return value;
    }
    function symbol({counts, symbols}) {
      for (let length = 1, code = 0, first = 0, index = 0; length < 16; length++) {
        code |= bits(1);
        if (code - counts[length] < first) return symbols[index + code - first];
        index += counts[length];
        first = first + counts[length] << 1;
        code <<= 1;
      }
      throw new Error('damaged data');
    }
    function room(count) {
      if (to + count > out.length) { const larger = new Uint8Array(2 * out.length + count); larger.set(out); out = larger; }
    }
    function trees() {
      const literals = bits(5) + 257, distances = bits(5) + 1, ordered = Array(19).fill(0), lengths = [];
      for (let i = 0, count = bits(4) + 4; i < count; i++) ordered[ORDER[i]] = bits(3);
      const of = tree(ordered);
      while (lengths.length < literals + distances) {
        const code = symbol(of);
        if (code < 16) lengths.push(code);
        else { const value = code === 16 ? lengths.at(-1) : 0, times = code === 16 ? 3 + bits(2) : code === 17 ? 3 + bits(3) : 11 + bits(7); for (let i = 0; i < times; i++) lengths.push(value); }
      }
      return [tree(lengths.slice(0, literals)), tree(lengths.slice(literals))];
    }
    while (!last) {
      last = bits(1);
      const kind = bits(2);
      if (kind === 0) {
        at -= held >> 3;
        hold = held = 0;
        const count = bytes[at] | bytes[at + 1] << 8;
        room(count);
        out.set(bytes.subarray(at + 4, at + 4 + count), to);
        at += 4 + count;
        to += count;
        continue;
      }
      const [literals, distances] = kind === 1 ? plain : trees();
      for (let code = symbol(literals); code !== 256; code = symbol(literals)) {
        if (code < 256) { room(1); out[to++] = code; continue; }
        const [length, more] = LENGTHS[code - 257], count = length + bits(more), [distance, further] = DISTANCES[symbol(distances)], back = distance + bits(further);
        room(count);
        for (let i = 0; i < count; i++, to++) out[to] = out[to - back];
      }
    }
    return out.subarray(0, to);
  };
})();
