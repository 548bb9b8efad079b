"""A scored file as a history: who wrote when, what it was about, and what the desk recorded beside it."""

from pipeline.history.read import History, read_history

__all__ = ["History", "read_history"]
