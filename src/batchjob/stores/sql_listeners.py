"""The part of a SQL store that tells listeners what happened, each of them in order.

Positions come from a sequence, and what took one may commit later than what took a higher one, or
never. So a reader stops before a number that is missing: it may yet be there. It goes on when the
event behind the gap was written longer ago than any transaction of ours lives, by the database's
own clock (the event's time is its maker's word, and may be anything): what took the missing number
before that was rolled back. SQLite has one writer, so that what is missing there stays so.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from batchjob.abc import JobStore
from batchjob.core.events import Event
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.retrying import retried
from batchjob.stores.rules import HEARD_AT_ONCE
from batchjob.stores.statements import Statements

_YOUNG = 10_000  # events that are looked at for a new listener's beginning


class SqlListeners(JobStore):
    """What was heard, and who listens, in a SQL database."""

    _database: Database
    _statements: Statements

    def unheard(self, listener: str, *, worker: str, seconds: float) -> Sequence[Event]:
        """Return the next events that *listener* has not heard, and hold it where there are any."""
        values = {"name": listener, "worker": worker}
        with self._database.read() as connection:  # so that who finds nothing new takes no lock
            news = connection.scalar(self._statements.news, values)
        return self._taken(listener, worker, seconds) if news else ()

    @retried
    def heard(self, listener: str, event: Event, *, worker: str) -> None:
        """Remember that *listener* has heard *event* and all before; nothing if it is not held."""
        values = {"name": listener, "worker": worker, "position": event.position or 0}
        with self._database.write() as connection:
            connection.execute(self._statements.heard, values)

    @retried
    def hand_over(self, listener: str, *, worker: str) -> None:
        """Let another worker have *listener* now; nothing if it is not held."""
        values = {"name": listener, "worker": worker}
        with self._database.write() as connection:
            connection.execute(self._statements.hand_over, values)

    @retried
    def _taken(self, listener: str, worker: str, seconds: float) -> Sequence[Event]:
        values = {"name": listener, "worker": worker}
        with self._database.write() as connection:
            row = connection.execute(self._statements.listener, values).one_or_none()
            if row is None:
                new = {"name": listener, "position": self._end(connection)}
                connection.execute(self._statements.add_listener, new)
                return ()
            found = tuple(self._after(connection, row.position)) if row.free else ()
            if found:
                connection.execute(self._statements.hold, {**values, "seconds": seconds})
            return tuple(rows.event(each) for each in found)

    def _end(self, connection: sa.Connection) -> int:
        """Return the position up to which nothing can show itself any more."""
        bound = {"bound": self._database.longest}
        end = connection.scalar(self._statements.last_settled, bound) or 0
        for row in self._after(connection, end, most=_YOUNG):
            end = row["position"]
        return end

    def _after(
        self, connection: sa.Connection, position: int, *, most: int = HEARD_AT_ONCE
    ) -> Iterator[sa.RowMapping]:
        values = {"position": position, "most": most, "bound": self._database.longest}
        for row in connection.execute(self._statements.events_after, values).mappings().all():
            if row["position"] != position + 1 and not row["settled"]:
                return
            position = row["position"]
            yield row
