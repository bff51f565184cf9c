from __future__ import annotations

from evalrun.batches import batches


def test_items_come_in_their_order_some_at_a_time() -> None:
    """Nothing is lost or turned round; a batch is full at 64, the last holds the rest, of nothing there is none."""
    found = list(batches(range(150), lambda _: 1))

    assert [one for some in found for one in some] == list(range(150))
    assert [len(some) for some in found] == [64, 64, 22]
    assert list(batches([], len)) == []


def test_long_texts_come_in_small_batches() -> None:
    """What is beyond four million characters waits for the next batch; a text that is longer comes all the same."""
    texts = ["a" * 3_000_000, "b" * 3_000_000, "c", "d" * 9_000_000, "e"]

    assert [[one[0] for one in some] for some in batches(texts, len)] == [["a", "b"], ["c", "d"], ["e"]]
