"""The table of routes: read and checked, tried on an export, and applied anew to a scored file."""
