"""The tables of run.db.

Every row carries a CRC-32 of its values. ``exchanges`` is the small ledger that is counted and joined; what was said
lies in ``texts``, which only grows. A cell that is asked again leaves its old exchange in ``history``.
"""

from __future__ import annotations

FILE = "run.db"
APPLICATION_ID = 0x65766C72  # "evlr"
FORMAT = 1

_LEDGER = """cell_key TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cost_usd REAL,
    from_cache INTEGER NOT NULL,
    text INTEGER NOT NULL,
    crc INTEGER NOT NULL"""

STATEMENTS = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE suite (id INTEGER PRIMARY KEY CHECK (id = 1), kept ANY NOT NULL, crc INTEGER NOT NULL) STRICT",
    'CREATE TABLE "columns" (id INTEGER PRIMARY KEY, kept ANY NOT NULL, crc INTEGER NOT NULL) STRICT',
    "CREATE TABLE cases (id INTEGER PRIMARY KEY, kept ANY NOT NULL, crc INTEGER NOT NULL) STRICT",
    """CREATE TABLE cells (
    position INTEGER PRIMARY KEY,
    cell_key TEXT NOT NULL,
    request_key TEXT,
    case_id INTEGER NOT NULL,
    column_id INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT""",
    "CREATE UNIQUE INDEX cells_key ON cells (cell_key)",
    f"CREATE TABLE exchanges (\n    {_LEDGER},\n    PRIMARY KEY (cell_key, ordinal)\n) STRICT, WITHOUT ROWID",
    f"CREATE TABLE history (\n    id INTEGER PRIMARY KEY,\n    {_LEDGER}\n) STRICT",
    """CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    exchange ANY NOT NULL,
    exchange_crc INTEGER NOT NULL,
    messages ANY NOT NULL,
    messages_crc INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE marks (
    cell_key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    kept ANY NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE sittings (
    id INTEGER PRIMARY KEY,
    started_at REAL NOT NULL,
    ended_at REAL,
    how TEXT NOT NULL,
    argv TEXT NOT NULL,
    ended TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT""",
)
