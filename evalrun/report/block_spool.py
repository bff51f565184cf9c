"""Lines of text in compressed blocks, kept in a file on the disk until a page is written.

How large a page becomes is known only when every case has gone by. So blocks are compressed as they fill; when all fit,
they are copied into the page as they are, and else the lines of the cases that are kept make new blocks.
"""

from __future__ import annotations

import tempfile
import weakref
import zlib
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

BLOCK_CHARACTERS = 131_072
"""Characters of the lines of a block; a reader inflates a whole one to see a line of it."""

_LEVEL = 5
_IN_MEMORY = 4_000_000
_AHEAD = 4
_THREADS = 2  # of use at the end, when a page is cut down to its limit and nothing else is left to do


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies in the file, and how many lines it holds."""

    start: int
    size: int
    lines: int


class BlockSpool:
    """Takes lines one by one; threads compress them meanwhile. What is in memory does not grow with their number."""

    def __init__(self, *, characters: int = BLOCK_CHARACTERS) -> None:
        self.blocks: list[Block] = []
        self.lengths: list[int] = []
        self._characters = characters
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed by close
        self._threads = ThreadPoolExecutor(_THREADS, "compress")
        self._pending: list[tuple[int, Future[bytes]]] = []
        self._lines: list[str] = []
        self._filled = self._end = 0
        self._closing = weakref.finalize(self, _close, self._file, self._threads)

    @property
    def size(self) -> int:
        """Bytes of all blocks together, once they are sealed."""
        return self._end

    def add(self, line: str) -> None:
        """Take a line; it must not hold a line break."""
        self._lines.append(line)
        self.lengths.append(len(line))
        self._filled += len(line)
        if self._filled >= self._characters:
            self._send()

    def seal(self) -> None:
        """Close the last block and wait until every one is in the file."""
        if self._lines:
            self._send()
        self.settle()

    def settle(self) -> None:
        """Wait until every block that is full is in the file."""
        self._store(0)

    def read(self) -> Iterator[tuple[Block, bytes]]:
        """Every block, compressed, in order."""
        for block in self.blocks:
            self._file.seek(block.start)
            yield block, self._file.read(block.size)

    def only(self, kept: Collection[int]) -> BlockSpool:
        """A sealed spool of these lines, by their place, in their order; blocks that lose none are as they were."""
        chosen, place = BlockSpool(characters=self._characters), 0
        for block, data in self.read():
            wanted = [at for at in range(block.lines) if place + at in kept]
            if len(wanted) == block.lines:
                chosen._copy(data, self.lengths[place : place + block.lines])
            elif wanted:
                lines = zlib.decompress(data, -zlib.MAX_WBITS).decode().split("\n")
                for at in wanted:
                    chosen.add(lines[at])
            place += block.lines
        chosen.seal()
        return chosen

    def close(self) -> None:
        """Give back the file and the threads."""
        self._closing()

    def _send(self) -> None:
        text, count = "\n".join(self._lines), len(self._lines)
        self._lines, self._filled = [], 0
        self._store(_AHEAD - 1)
        self._pending.append((count, self._threads.submit(deflated, text)))

    def _copy(self, data: bytes, lengths: list[int]) -> None:
        """Take a block of another spool."""
        self.seal()
        self.lengths += lengths
        self._write(data, len(lengths))

    def _store(self, ahead: int) -> None:
        """Write what is compressed, until no more than *ahead* blocks are under way."""
        while len(self._pending) > ahead:
            count, future = self._pending.pop(0)
            self._write(future.result(), count)

    def _write(self, data: bytes, lines: int) -> None:
        self._file.seek(self._end)
        self._file.write(data)
        self.blocks.append(Block(self._end, len(data), lines))
        self._end += len(data)


def deflated(text: str | bytes) -> bytes:
    """Compressed as DecompressionStream("deflate-raw") reads it."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return compressor.compress(text.encode() if isinstance(text, str) else text) + compressor.flush()


def _close(file: IO[bytes], threads: ThreadPoolExecutor) -> None:
    threads.shutdown(wait=False, cancel_futures=True)
    file.close()
