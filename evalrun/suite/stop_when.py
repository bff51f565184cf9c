"""``stop_when``: which columns are compared while a run goes on, and when that is enough."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from evalrun.errors import Code
from evalrun.records.plan import pairs_of
from evalrun.records.suite import StopWhen, Suite
from evalrun.suite.border import Border
from evalrun.suite.complaints import hint, printable
from evalrun.suite.entries import StopWhenEntry
from evalrun.suite.plan import columns_of

_PATH = ("stop_when", "decided")


def stop_when_of(entry: StopWhenEntry | None) -> StopWhen | None:
    """What the suite asks for, with every default."""
    if entry is None:
        return None
    said = {key: value for key, value in entry.model_dump().items() if value is not None}
    return StopWhen(**{**said, "decided": tuple(entry.decided)})


def check_stop_when(suite: Suite, own: Collection[str], border: Border) -> None:
    """Complain about names that no model and no column has, and about models without columns to compare.

    *own* are the labels of the suite's own models, whichever are asked.
    """
    if suite.stop_when is None:
        return
    names, columns = suite.stop_when.decided, columns_of(suite)
    asked, labels = {column.model for column in columns}, [column.label for column in columns]
    known = dict.fromkeys((*(model.label for model in suite.models), *own, *labels))
    wrong = False
    for index, name in enumerate(names):
        if name not in known:
            words = f"the suite has no model or column `{printable(name)}`{hint(name, known)}"
            border.add((*_PATH, index), Code.UNKNOWN_TARGET, words)
            wrong = True
        elif name in names[:index]:
            border.add((*_PATH, index), Code.DUPLICATE_NAME, f"`{printable(name)}` is named twice")
            wrong = True
    models = [name for name in names if name in asked or name in own]
    if wrong or len(models) < len(names):
        if models and not wrong:
            border.add(_PATH, Code.INVALID, "name models, or columns, not both")
        return
    for first, second in combinations(names, 2):
        if asked.issuperset((first, second)) and not pairs_of((first, second), columns):
            words = f"no columns of `{printable(first)}` and `{printable(second)}` have equal parameters: name columns"
            border.add(_PATH, Code.INVALID, f"{words}{hint('', labels)}")
