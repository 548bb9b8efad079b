"""The migrations of the store; `env.py` and `script.py.mako` are Alembic's."""
