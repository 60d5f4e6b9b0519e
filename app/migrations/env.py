"""Runs the migrations on the connection it is handed."""

from alembic import context

from app import models
from app.db import Base

assert models  # importing it makes every table known

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
