"""Alembic's entry: it runs the migrations on the connection that it is given, and on no other."""

from alembic import context

from batchjob.stores import indexes  # noqa: F401 - they are to be in the metadata
from batchjob.stores.schema import VERSION_TABLE
from batchjob.stores.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
