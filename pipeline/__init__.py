"""Nabd: what each customer message needs, how the customer feels and where it should go."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("nabd")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"
