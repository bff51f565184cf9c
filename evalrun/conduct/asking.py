"""suite.plan -> scheduler's jobs: who is asked what next, and which cells a reply is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from evalrun.providers.send import unsayable
from evalrun.records.plan import Cell, Plan
from evalrun.records.request import Request
from evalrun.records.suite import Model
from evalrun.scheduler.jobs import Job
from evalrun.scheduler.rooms import Charge
from evalrun.suite.plan import choices_of, first_request


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whom a request is for: its cell (or, where it asks for several answers, one cell each, in their order), and the
    how-manieth request of that cell it is, from 0.
    """

    cells: tuple[Cell, ...]
    ordinal: int = 0

    @property
    def cell(self) -> Cell:
        """The cell, or the first of them."""
        return self.cells[0]


class Asking:
    """A plan's cells as jobs. *scopes* are those that each model books in, by label."""

    def __init__(self, plan: Plan, scopes: dict[str, tuple[str, ...]]) -> None:
        self._plan = plan
        self._scopes = scopes
        self._models = {model.label: model for model in plan.suite.models}
        self._places: dict[tuple[int, int], list[Cell]] | None = None

    def model_of(self, cell: Cell) -> Model:
        """The model that a cell asks."""
        return self._models[self._plan.columns[cell.column].model]

    def is_recorded(self, cell: Cell) -> bool:
        """Whether the cell's answer exists already."""
        return self.model_of(cell).recorded is not None

    def left(self, done: Collection[str], label: str = "") -> Iterator[Cell]:
        """The cells that are not done, in the order of asking; of those that share a request, the first of them.

        Only those of the model called *label*, where it is given.
        """
        taken: set[str] = set()
        for position in self._plan.order:
            cell = self._plan.cells[position]
            if label and self._plan.columns[cell.column].model != label:
                continue
            if cell.key not in done and cell.key not in taken:
                taken.update(one.key for one in self.sharing(cell) if one is not cell)
                yield cell

    def sharing(self, cell: Cell) -> tuple[Cell, ...]:
        """The cells whose answers come in one reply with this one's, itself among them, in the order of the answers."""
        choices = choices_of(self._plan, cell)
        if choices == 1:
            return (cell,)
        if self._places is None:
            self._places = defaultdict(list)
            for each in self._plan.cells:
                self._places[each.case, each.column].append(each)
        request = cell.sample // choices
        return tuple(one for one in self._places[cell.case, cell.column] if one.sample // choices == request)

    def first(self, cell: Cell) -> Job:
        """The job that opens a cell."""
        return self.job(Ticket(self.sharing(cell)), first_request(self._plan, cell))

    def job(self, ticket: Ticket, request: Request) -> Job:
        """A request as a job of its cell's model."""
        model = self.model_of(ticket.cell)
        endpoint = "" if model.recorded else model.provider
        unfit = unsayable(request, self._plan.suite.providers[model.provider])
        return Job(request, ticket, self._scopes[model.label], _estimate(request, model), endpoint, unfit)


def _estimate(request: Request, model: Model) -> Charge:
    price, sent, wrote = model.price, request.input_tokens, request.output_tokens
    cost = 0.0 if price is None else (sent * price.input_usd + wrote * price.output_usd) / 1e6
    return Charge(sent, wrote, cost)
