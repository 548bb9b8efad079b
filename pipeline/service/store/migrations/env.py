"""What Alembic runs around each migration; the connection comes from `schema.config`."""

from __future__ import annotations

from alembic import context

from pipeline.service.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter a table in place
    transactional_ddl=True,  # all migrations or none, on SQLite, too
)
context.run_migrations()
