"""Which column is the text, the customer, the time: by the user's word, by name, by content."""

from pipeline.columns.roles import Roles, find_roles

__all__ = ["Roles", "find_roles"]
