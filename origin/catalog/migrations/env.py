"""What Alembic runs: every migration in the transaction that the caller holds."""

from alembic import context

from origin.catalog.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
