"""Exports that are uploaded and scored in the background: their files, the worker, and one job's run."""
