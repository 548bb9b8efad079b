"""Every error a user can meet, each with its exit code.

NabdError
├── UsageError         2  an option or setting that cannot be used
├── InputError         2  a file that cannot be read, or has nothing to score
│   ├── ColumnError    2  a column that is missing or cannot be told apart
│   └── EncodingError  2  text in another encoding than it should be
├── OutputError        2  a file that cannot be written (disk full, no permission, unknown format)
├── BundleError        2  a model folder that is missing, altered or not understood
└── StoreError         2  a database that cannot be opened, reached or changed

A message says what was found, what was expected and what to do. It never holds a customer's text.
"""

from __future__ import annotations


class NabdError(Exception):
    """Base of all errors that the command line and the service report in one line."""

    exit_code = 2


class UsageError(NabdError):
    """An option or setting that cannot be used."""


class InputError(NabdError):
    """A file that cannot be read, or has nothing to score."""


class ColumnError(InputError):
    """A column that is missing or cannot be told apart from others."""


class EncodingError(InputError):
    """Text most of which does not decode; `fault` is the error without its advice, which is for the command line."""

    def __init__(self, fault: str, advice: str) -> None:
        super().__init__(f"{fault}; {advice}")
        self.fault = fault


class OutputError(NabdError):
    """A file that cannot be written."""


class BundleError(NabdError):
    """A model folder that is missing, altered or not understood."""


class StoreError(NabdError):
    """A database that cannot be opened, reached or changed."""
