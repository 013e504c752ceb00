"""Who may do what to whose jobs: decided here alone, for every verb of the facade.

An actor's own jobs are the actor's to change, and others' are not there; the hook
`batchjob_allows` can say otherwise by actor, action and batch type. No actor means trusted code.
"""

import logging
from collections.abc import Iterable

import attrs

from batchjob.abc import JobQuery
from batchjob.core.actions import Action
from batchjob.core.job import BatchJob
from batchjob.errors import Forbidden, UnknownJob
from batchjob.plugins import Plugins

_audit = logging.getLogger("batchjob.audit")


@attrs.frozen
class Permissions:
    """The rules of these plugins, and those that hold where they have none."""

    plugins: Plugins

    def check_create(self, actor: str | None, batch_type: str) -> None:
        """Raise `Forbidden` if the actor may not make jobs of this type."""
        if actor is not None and self.plugins.allows(actor, "create", batch_type) is False:
            raise Forbidden("create", batch_type)

    def check_seen(self, job: BatchJob, actor: str | None) -> None:
        """Raise `UnknownJob` if the job is not there for the actor."""
        if not self.sees(actor, job.created_by, job.batch_type):
            _audit.info("actor %r asked for job %s, which is not theirs to see", actor, job.id)
            raise UnknownJob(job.id)

    def check(self, job: BatchJob, actor: str | None, action: Action) -> None:
        """Raise `UnknownJob` if the actor does not see the job, `Forbidden` if that is all."""
        self.check_seen(job, actor)
        if not self._allows(actor, action, job.created_by, job.batch_type):
            _audit.info("actor %r may not %s job %s", actor, action, job.id)
            raise Forbidden(action, job.batch_type)

    def sees(self, actor: str | None, owner: str | None, batch_type: str) -> bool:
        """Tell whether an actor sees an owner's jobs of a type."""
        return self._allows(actor, "see", owner, batch_type)

    def seen(self, query: JobQuery, batch_types: Iterable[str]) -> JobQuery:
        """Return *query* for those jobs alone that its creator sees, of *batch_types* or others."""
        if (actor := query.created_by) is None:
            return query
        rules = {name: self.plugins.allows(actor, "see", name) for name in batch_types}
        return attrs.evolve(
            query,
            shared_types=tuple(sorted(name for name, rule in rules.items() if rule is True)),
            hidden_types=tuple(sorted(name for name, rule in rules.items() if rule is False)),
        )

    def _allows(
        self, actor: str | None, action: Action, owner: str | None, batch_type: str
    ) -> bool:
        if actor is None:
            return True
        rule = self.plugins.allows(actor, action, batch_type)
        return actor == owner if rule is None else rule
