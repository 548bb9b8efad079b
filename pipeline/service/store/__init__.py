"""What the service keeps: SQLAlchemy over SQLite or PostgreSQL, its tables made and changed by Alembic."""
